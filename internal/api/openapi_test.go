package api

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestDocument checks the OpenAPI document against the routes, and that it holds together.
func TestDocument(t *testing.T) {
	f := open(t, nil)
	var document struct {
		OpenAPI string
		Info    struct{ Title, Version string }
		Paths   map[string]map[string]struct {
			OperationID string
			Summary     string
			Parameters  []struct{ Name, In string }
			RequestBody *struct {
				Content map[string]struct{ Schema map[string]any }
			}
			Responses map[string]struct{ Description string }
			Security  []map[string][]string
		}
		Components struct {
			Schemas         map[string]map[string]any
			SecuritySchemes map[string]any
		}
	}
	a := f.do(request{method: "GET", path: "/api/openapi.json"})
	if err := json.Unmarshal(a.body, &document); err != nil || a.status != 200 {
		t.Fatal(a.status, err)
	}
	if document.OpenAPI != "3.1.0" || document.Info.Title == "" || document.Info.Version != "1.2.3" {
		t.Errorf("head: %s %+v", document.OpenAPI, document.Info)
	}
	described, ids := 0, map[string]bool{}
	for _, methods := range document.Paths {
		described += len(methods)
	}
	routes := f.api.routes()
	if described != len(routes) {
		t.Errorf("%d operations for %d routes", described, len(routes))
	}
	for _, rt := range routes {
		operation, ok := document.Paths[rt.path][strings.ToLower(rt.method)]
		if !ok || operation.Summary == "" || operation.OperationID == "" || ids[operation.OperationID] {
			t.Errorf("%s: %+v", rt.pattern(), operation)
			continue
		}
		ids[operation.OperationID] = true
		var inPath []string
		for _, p := range operation.Parameters {
			if p.In == "path" {
				inPath = append(inPath, p.Name)
			}
		}
		if !slices.Equal(inPath, pathParams(rt.path)) || strings.Count(rt.path, "{") != len(inPath) {
			t.Errorf("%s: path parameters %v", rt.pattern(), inPath)
		}
		if (operation.RequestBody != nil) != (rt.request != nil) {
			t.Errorf("%s: body %v", rt.pattern(), operation.RequestBody)
		}
		if operation.Security == nil || rt.access != public && len(operation.Security[0]) == 0 {
			t.Errorf("%s: security %v", rt.pattern(), operation.Security)
		}
		if _, ok := operation.Responses["400"]; !ok || len(operation.Responses) < 3 {
			t.Errorf("%s: responses %v", rt.pattern(), operation.Responses)
		}
	}
	for _, ref := range refsIn(a.body) {
		name, ok := strings.CutPrefix(ref, "#/components/schemas/")
		if _, known := document.Components.Schemas[name]; !ok || !known {
			t.Errorf("reference to nothing: %s", ref)
		}
	}
	for _, name := range []string{"Site", "User", "ErrorReply", "Snapshot", "QueryRequest"} {
		if document.Components.Schemas[name]["type"] != "object" {
			t.Errorf("no schema %s", name)
		}
	}
}

// refsIn returns every "$ref" of a document.
func refsIn(text []byte) []string {
	var node any
	if err := json.Unmarshal(text, &node); err != nil {
		return []string{err.Error()}
	}
	var refs []string
	var walk func(any)
	walk = func(node any) {
		switch v := node.(type) {
		case map[string]any:
			for key, value := range v {
				if ref, ok := value.(string); ok && key == "$ref" {
					refs = append(refs, ref)
				}
				walk(value)
			}
		case []any:
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(node)
	return refs
}
