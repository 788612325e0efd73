package wire

import (
	"bytes"
	"unsafe"
)

// head reads the heads of requests that are plain: HTTP/1.1, one line a header, one Host, a length in digits or none, and nothing
// that changes how the message or the connection is read. About anything else it has no opinion.
type head struct {
	request Request
	host    bool
	length  bool
	close   bool // the client wants the connection closed after the answer
}

// parse reads the head that text begins with and returns its size, 0 when it is not plain or not there to its end. What
// it notes views text.
func (h *head) parse(text []byte) int {
	*h = head{request: Request{fields: h.request.fields[:0]}}
	line, rest, ok := cutLine(text)
	if !ok || !h.parseStart(line) {
		return 0
	}
	for {
		if line, rest, ok = cutLine(rest); !ok {
			return 0
		}
		if len(line) == 0 {
			break
		}
		if !h.parseField(line) {
			return 0
		}
	}
	if !h.host {
		return 0
	}
	return len(text) - len(rest)
}

// cutLine splits text behind its first line end, which must be CR LF.
func cutLine(text []byte) (line, rest []byte, ok bool) {
	end := bytes.IndexByte(text, '\n')
	if end < 1 || text[end-1] != '\r' {
		return nil, nil, false
	}
	return text[:end-1], text[end+1:], true
}

// parseStart reads the line of the request.
func (h *head) parseStart(line []byte) bool {
	const version = " HTTP/1.1"
	space := bytes.IndexByte(line, ' ')
	if space < 0 || len(line) < space+2+len(version) || view(line[len(line)-len(version):]) != version {
		return false
	}
	method, target := line[:space], line[space+1:len(line)-len(version)]
	if target[0] != '/' || !all(target, isTarget) {
		return false
	}
	switch view(method) { // those that say the same about the body to everybody
	case "GET", "POST", "OPTIONS", "PUT", "DELETE", "PATCH":
	default:
		return false
	}
	h.request.Method = view(method)
	path, query, _ := bytes.Cut(target, []byte{'?'})
	h.request.Path, h.request.Query = view(path), view(query)
	return true
}

// parseField reads the line of a header.
func (h *head) parseField(line []byte) bool {
	colon := bytes.IndexByte(line, ':')
	if colon < 1 || !all(line[:colon], isToken) {
		return false
	}
	name, value := view(line[:colon]), trim(line[colon+1:])
	if !all(value, isText) {
		return false
	}
	if known, ok := nameOf(name); ok {
		h.request.fields = append(h.request.fields, field{known, view(value)})
		return true
	}
	return h.parseFraming(name, value)
}

// parseFraming looks at the headers that say how the message and the connection are read. It returns false for all that the
// package does not understand.
func (h *head) parseFraming(name string, value []byte) bool {
	switch len(name) {
	case 4:
		if sameName(name, "Host") {
			again := h.host
			h.host = true
			return !again && len(value) > 0 && all(value, isHost)
		}
	case 14:
		if sameName(name, "Content-Length") {
			again := h.length
			h.length = true
			return !again && h.parseLength(value)
		}
	case 10:
		if sameName(name, "Connection") {
			return h.parseConnection(view(value))
		}
	}
	for _, other := range [...]string{"Transfer-Encoding", "Upgrade", "Expect", "Trailer"} {
		if sameName(name, other) {
			return false
		}
	}
	return true
}

// parseConnection takes the header once, with one word.
func (h *head) parseConnection(value string) bool {
	switch {
	case h.close:
		return false
	case sameName(value, "close"):
		h.close = true
		return true
	}
	return sameName(value, "keep-alive")
}

func (h *head) parseLength(value []byte) bool {
	const mostDigits = 9
	if len(value) == 0 || len(value) > mostDigits {
		return false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
		h.request.Length = h.request.Length*10 + int64(c-'0')
	}
	return true
}

// view returns a string that shares b's memory.
func view(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// Classes of bytes.
const (
	isToken  = 1 << iota // of a name
	isText               // of a value
	isTarget             // of a path or query that is read the same by everybody
	isHost
)

// classes says which classes a byte is in.
var classes = makeClasses()

func makeClasses() (table [256]uint8) {
	add := func(class uint8, bytes string) {
		for i := range len(bytes) {
			table[bytes[i]] |= class
		}
	}
	for c := range 256 {
		if c == '\t' || c >= ' ' && c != 0x7f {
			table[c] |= isText
		}
	}
	const alphanumeric = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	add(isToken, alphanumeric+"!#$%&'*+-.^_`|~")
	add(isTarget, alphanumeric+"-._~!$&'()*+,;=:@/?%")
	add(isHost, alphanumeric+"-._:[]")
	return table
}

func all(b []byte, class uint8) bool {
	for _, c := range b {
		if classes[c]&class == 0 {
			return false
		}
	}
	return true
}
