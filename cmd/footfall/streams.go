package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// streams are the three standard streams of a command.
type streams struct {
	in  io.Reader
	out io.Writer
	err io.Writer
}

// json prints v as one line of JSON.
func (s streams) json(v any) error {
	enc := json.NewEncoder(s.out)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

// line reads one line of standard input without its end.
func (s streams) line() (string, error) {
	text, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil && text == "" {
		return "", fmt.Errorf("cannot read standard input: %w", err)
	}
	return strings.TrimRight(text, "\r\n"), nil
}
