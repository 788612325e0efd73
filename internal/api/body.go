package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"unicode/utf8"
)

// maxBodyBytes bounds the body of every request of the API.
const maxBodyBytes = 64 << 10

// readBody returns the body, which must be JSON by its type, in plain UTF-8 and within the limit.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if declared := r.Header.Get("Content-Type"); declared != "" {
		kind, parameters, err := mime.ParseMediaType(declared)
		if err != nil || kind != "application/json" {
			return nil, fail(codeUnsupported, "the body must be application/json")
		}
		if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
			return nil, fail(codeUnsupported, "the body must be in UTF-8")
		}
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return nil, fail(codeUnsupported, "the body must not be compressed")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, fail(codeTooLarge, "the body may have at most %d bytes", maxBodyBytes)
	case err != nil:
		return nil, fail(codeInvalid, "the body cannot be read")
	case !utf8.Valid(body):
		return nil, fail(codeInvalid, "the body is not valid UTF-8")
	}
	return body, nil
}

// decodeObject reads a JSON object into the struct that into points to. It refuses unknown, repeated and null keys,
// values of another type and anything behind the object, and says where. Keys are matched in their exact case.
func decodeObject(body []byte, into any) error {
	members, err := readMembers(body)
	if err != nil {
		return err
	}
	target := reflect.ValueOf(into).Elem()
	fields := map[string]reflect.Value{}
	for i := range target.NumField() {
		name, _, _ := strings.Cut(target.Type().Field(i).Tag.Get("json"), ",")
		fields[name] = target.Field(i)
	}
	for _, m := range members {
		field, ok := fields[m.key]
		if !ok {
			return failAt(m.key, "unknown key %q", m.key)
		}
		if err := decodeValue(m.value, m.key, field); err != nil {
			return err
		}
	}
	return nil
}

// member is one key of an object, in the order of the text.
type member struct {
	key   string
	value json.RawMessage
}

// readMembers splits an object into its members, each key once.
func readMembers(body []byte) ([]member, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	if token, err := decoder.Token(); err != nil {
		return nil, notJSON(err)
	} else if token != json.Delim('{') {
		return nil, fail(codeInvalid, "the body must be a JSON object")
	}
	var members []member
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		key, isText := token.(string)
		if err != nil || !isText {
			return nil, notJSON(err)
		}
		if seen[key] {
			return nil, failAt(key, "the key %q stands twice", key)
		}
		seen[key] = true
		m := member{key: key}
		if err := decoder.Decode(&m.value); err != nil {
			return nil, notJSON(err)
		}
		members = append(members, m)
	}
	if _, err := decoder.Token(); err != nil {
		return nil, notJSON(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fail(codeInvalid, "there is more text behind the JSON object")
	}
	return members, nil
}

func notJSON(err error) error {
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fail(codeInvalid, "the body is not JSON: %s at byte %d", syntax, syntax.Offset)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fail(codeInvalid, "the body is not JSON: it ends too early")
	}
	return fail(codeInvalid, "the body is not JSON")
}

// decodeValue reads a value into a field, element by element where it is a list, so that an error names the element.
func decodeValue(raw json.RawMessage, path string, field reflect.Value) error {
	if string(raw) == "null" {
		return failAt(path, "%s must be %s, not null", path, kindName(field.Type()))
	}
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	if field.Kind() != reflect.Slice {
		if err := json.Unmarshal(raw, field.Addr().Interface()); err != nil {
			return failAt(path, "%s must be %s", path, kindName(field.Type()))
		}
		return nil
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		return failAt(path, "%s must be %s", path, kindName(field.Type()))
	}
	list := reflect.MakeSlice(field.Type(), len(elements), len(elements))
	for i, element := range elements {
		if err := decodeValue(element, fmt.Sprintf("%s[%d]", path, i), list.Index(i)); err != nil {
			return err
		}
	}
	field.Set(list)
	return nil
}

func kindName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindName(t.Elem())
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice:
		return "a list"
	}
	return "a whole number"
}
