package druid

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

var (
	errRow    = errors.New("not a row of values")
	errNumber = errors.New("not a whole number")
)

// splitFields appends the values of a JSON array of strings, numbers and nulls, as they stand in the line.
func splitFields(dst [][]byte, line []byte) ([][]byte, error) {
	line = bytes.TrimSpace(line)
	if len(line) < 2 || line[0] != '[' || line[len(line)-1] != ']' {
		return dst, fmt.Errorf("cannot read %.80q: %w", line, errRow)
	}
	for rest := line[1 : len(line)-1]; len(rest) > 0; {
		n := fieldLength(rest)
		if n == 0 || n < len(rest) && rest[n] != ',' {
			return dst, fmt.Errorf("cannot read %.80q: %w", line, errRow)
		}
		dst = append(dst, rest[:n])
		rest = rest[min(n+1, len(rest)):]
	}
	return dst, nil
}

// fieldLength returns the bytes of the value that text begins with, 0 where a string does not end.
func fieldLength(text []byte) int {
	if text[0] != '"' {
		if comma := bytes.IndexByte(text, ','); comma >= 0 {
			return comma
		}
		return len(text)
	}
	for at := 1; ; at++ {
		quote := bytes.IndexByte(text[at:], '"')
		if quote < 0 {
			return 0
		}
		at += quote
		slashes := at
		for text[slashes-1] == '\\' {
			slashes--
		}
		if (at-slashes)%2 == 0 {
			return at + 1
		}
	}
}

func isNull(field []byte) bool { return string(field) == "null" }

// appendText appends the string of a field; null is "".
func appendText(dst, field []byte) ([]byte, error) {
	if isNull(field) {
		return dst, nil
	}
	if len(field) < 2 || field[0] != '"' {
		return dst, fmt.Errorf("cannot read %.80q as a text: %w", field, errRow)
	}
	if bytes.IndexByte(field, '\\') < 0 {
		return append(dst, field[1:len(field)-1]...), nil
	}
	var text string
	if err := json.Unmarshal(field, &text); err != nil {
		return dst, fmt.Errorf("cannot read %.80q as a text: %w", field, err)
	}
	return append(dst, text...), nil
}

func wholeNumber(field []byte) (int64, error) {
	if isNull(field) {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(field), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read %.80q: %w", field, errNumber)
	}
	return n, nil
}

// appendBytes appends the bytes of a sketch: base64 in quotes, as a text or within one.
func appendBytes(dst, field []byte) ([]byte, error) {
	field = bytes.Trim(field, `"\`)
	if isNull(field) {
		return dst, nil
	}
	dst, err := base64.StdEncoding.AppendDecode(dst, field)
	if err != nil {
		return dst, fmt.Errorf("cannot read %.80q as a sketch: %w", field, err)
	}
	return dst, nil
}
