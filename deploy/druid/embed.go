// Package druid holds what Druid is told about the two datasources: the specifications of the tasks that replace their days.
//
// They are files, so that an operator can read them and post them by hand, and embedded here, so that there is one copy. The
// columns are drawn in docs/format/druid.md. The package imports nothing of ours.
package druid

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
)

//go:embed page_views.json sources.json
var files embed.FS

// Fill are the values of a specification's placeholders.
type Fill struct {
	ID       string   // @ID@, of the task
	Prefix   string   // stands before the datasource's name
	Interval string   // @INTERVAL@, two instants of ISO 8601 with a slash between
	URIs     []string // @URIS@, of gzip JSON lines; without any the days are emptied
}

// nothing is an input without rows: an empty one is refused, one row outside the days is not taken.
const nothing = `{"timestamp": 0}`

// Task returns the specification of a task that replaces days of a datasource.
func Task(datasource string, with Fill) ([]byte, error) {
	text, err := files.ReadFile(datasource + ".json")
	if err != nil {
		return nil, fmt.Errorf("cannot find the specification of datasource %q: %w", datasource, err)
	}
	input := map[string]any{"type": "http", "uris": with.URIs}
	if len(with.URIs) == 0 {
		input = map[string]any{"type": "inline", "data": nothing}
	}
	for _, one := range []struct {
		mark  string
		value any
	}{
		{`"@ID@"`, with.ID},
		{`"@INTERVAL@"`, with.Interval},
		{`{"type": "http", "uris": ["@URIS@"]}`, input},
		{`"` + datasource + `"`, with.Prefix + datasource},
	} {
		value, err := json.Marshal(one.value)
		if err != nil {
			return nil, fmt.Errorf("cannot fill in %s: %w", one.mark, err)
		}
		if !bytes.Contains(text, []byte(one.mark)) {
			return nil, fmt.Errorf("cannot fill in %s: the specification of %s has no such place", one.mark, datasource)
		}
		text = bytes.Replace(text, []byte(one.mark), value, 1)
	}
	return text, nil
}
