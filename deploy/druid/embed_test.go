package druid

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// spec is what a filled specification is about.
type spec struct {
	ID   string
	Spec struct {
		DataSchema struct {
			DataSource      string
			GranularitySpec struct{ Intervals []string }
		}
		IOConfig struct {
			InputSource struct {
				Type, Data string
				URIs       []string
			}
			DropExisting bool
		}
	}
}

func TestTask(t *testing.T) {
	f := func(datasource string, with Fill, wantType string) {
		t.Helper()
		text, err := Task(datasource, with)
		if err != nil {
			t.Fatal(err)
		}
		var got spec
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		schema, input := got.Spec.DataSchema, got.Spec.IOConfig.InputSource
		if got.ID != with.ID || schema.DataSource != with.Prefix+datasource || !slices.Equal(schema.GranularitySpec.Intervals, []string{with.Interval}) ||
			input.Type != wantType || !slices.Equal(input.URIs, with.URIs) || !got.Spec.IOConfig.DropExisting {
			t.Errorf("%s", text)
		}
		if strings.Contains(string(text), "@") {
			t.Errorf("a placeholder is left:\n%s", text)
		}
	}
	f("page_views", Fill{ID: "one", Interval: "2026-06-01/2026-06-02", URIs: []string{`http://s3/a?b="c"&d`, "http://s3/e"}}, "http")
	f("sources", Fill{ID: "two", Prefix: "x_", Interval: "2026-06-01/2026-06-03", URIs: []string{"http://s3/e"}}, "http")
	f("sources", Fill{ID: "three", Interval: "2026-06-01/2026-06-03"}, "inline")
	if _, err := Task("sessions", Fill{}); err == nil {
		t.Error("there is no datasource sessions")
	}
}
