package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Types that stand in the OpenAPI document for bodies that other packages read and write.
type (
	queryRequest struct {
		SiteID     string          `json:"site_id" doc:"website_id or domain"`
		DateRange  any             `json:"date_range" doc:"a name as 7d, or [from, to]"`
		Metrics    []string        `json:"metrics" nullable:"false"`
		Dimensions []string        `json:"dimensions,omitempty" nullable:"false"`
		Filters    []any           `json:"filters,omitempty" nullable:"false" doc:"[operator, dimension, values], and, or, not, has_done, has_not_done"`
		OrderBy    []any           `json:"order_by,omitempty" nullable:"false" doc:"pairs of a metric or dimension and asc or desc"`
		Include    *queryInclude   `json:"include,omitempty"`
		Pagination *queryPageRange `json:"pagination,omitempty"`
	}
	queryInclude struct {
		Imports    *bool `json:"imports,omitempty"`
		TimeLabels *bool `json:"time_labels,omitempty"`
		TotalRows  *bool `json:"total_rows,omitempty"`
		Compare    any   `json:"compare,omitempty" doc:"previous_period, year_over_year or [from, to]"`
	}
	queryPageRange struct {
		Limit  *int `json:"limit,omitempty"`
		Offset *int `json:"offset,omitempty"`
	}
	queryReply struct {
		Results []queryRow     `json:"results" nullable:"false"`
		Meta    map[string]any `json:"meta"`
		Query   map[string]any `json:"query"`
	}
	queryRow struct {
		Dimensions []any           `json:"dimensions" nullable:"false"`
		Metrics    []any           `json:"metrics" nullable:"false"`
		Comparison *queryCompareTo `json:"comparison,omitempty"`
	}
	queryCompareTo struct {
		Metrics []any `json:"metrics" nullable:"false"`
		Change  []any `json:"change" nullable:"false"`
	}
	explainReply struct {
		Plan     map[string]any `json:"plan"`
		SQL      []explainSQL   `json:"sql" nullable:"false"`
		Source   string         `json:"source"`
		Ledger   explainLedger  `json:"ledger"`
		Versions map[string]any `json:"versions"`
	}
	explainSQL struct {
		Part string `json:"part"`
		Text string `json:"text"`
		Args []any  `json:"args"`
	}
	explainLedger struct {
		Received  int64            `json:"received"`
		Stored    int64            `json:"stored"`
		Duplicate int64            `json:"duplicate"`
		Filtered  map[string]int64 `json:"filtered"`
		Failed    map[string]int64 `json:"failed"`
	}
	reportReply struct {
		SiteID      string         `json:"site_id"`
		From        string         `json:"from"`
		To          string         `json:"to"`
		Granularity string         `json:"granularity" enum:"day"`
		Dimensions  []string       `json:"dimensions" nullable:"false"`
		Metrics     []string       `json:"metrics" nullable:"false"`
		Rows        []reportRow    `json:"rows" nullable:"false"`
		TotalRows   int            `json:"total_rows"`
		Meta        map[string]any `json:"meta"`
	}
	reportRow struct {
		Date       string   `json:"date,omitempty"`
		Source     string   `json:"source,omitempty"`
		Device     string   `json:"device,omitempty"`
		Users      *int64   `json:"users,omitempty"`
		Sessions   *int64   `json:"sessions,omitempty"`
		Pageviews  *int64   `json:"pageviews,omitempty"`
		BounceRate *float64 `json:"bounce_rate,omitempty" nullable:"true"`
	}
	liveMessage struct {
		Type string `json:"type" enum:"hello,metrics,minute,current,totals,event,status"`
	}
)

// describe makes the OpenAPI document of the routes.
func describe(routes []route, version string) ([]byte, error) {
	schemas := huma.NewMapRegistry("#/components/schemas/", schemaName)
	document := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Footfall", Version: orText(version, "0"), Description: "Web analytics. Errors have one form, ErrorReply."},
		Paths:   map[string]*huma.PathItem{},
		Components: &huma.Components{
			Schemas: schemas,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"key":    {Type: "http", Scheme: "bearer", Description: "an API key, ff_..."},
				"cookie": {Type: "apiKey", In: "cookie", Name: "footfall_session", Description: "a login; __Host-footfall_session behind TLS"},
			},
		},
	}
	for _, rt := range routes {
		item := document.Paths[rt.path]
		if item == nil {
			item = &huma.PathItem{}
			document.Paths[rt.path] = item
		}
		switch operation := describeRoute(rt, schemas); rt.method {
		case http.MethodGet:
			item.Get = operation
		case http.MethodPost:
			item.Post = operation
		case http.MethodPut:
			item.Put = operation
		case http.MethodDelete:
			item.Delete = operation
		default:
			return nil, fmt.Errorf("cannot describe the method %q of %q", rt.method, rt.path)
		}
	}
	text, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("cannot write the OpenAPI document: %w", err)
	}
	return text, nil
}

// schemaName is the type's name in upper case; the Go package does not show.
func schemaName(t reflect.Type, hint string) string { return huma.DefaultSchemaNamer(t, hint) }

func describeRoute(rt route, schemas huma.Registry) *huma.Operation {
	operation := &huma.Operation{
		OperationID: operationID(rt), Summary: rt.summary, Security: security(rt),
		Responses: map[string]*huma.Response{strconv.Itoa(rt.status()): {Description: http.StatusText(rt.status()), Content: content(schemas, rt.reply)}},
	}
	for _, name := range pathParams(rt.path) {
		operation.Parameters = append(operation.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	for _, p := range rt.params {
		operation.Parameters = append(operation.Parameters, &huma.Param{Name: p.name, In: "query", Required: p.required, Description: p.doc, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	if rt.request != nil {
		operation.RequestBody = &huma.RequestBody{Required: true, Content: content(schemas, rt.request)}
	}
	for _, c := range rt.codes() {
		operation.Responses[strconv.Itoa(c.status())] = &huma.Response{Description: string(c), Content: content(schemas, ErrorReply{})}
	}
	return operation
}

// codes returns the errors that a route may answer with.
func (rt *route) codes() []code {
	codes := append([]code{codeInvalid, codeInternal, codeUnavailable}, rt.errors...)
	if rt.request != nil {
		codes = append(codes, codeTooLarge, codeUnsupported)
	}
	if rt.access != public {
		codes = append(codes, codeUnauthorized, codeForbidden)
	}
	if rt.access == public && rt.method != http.MethodGet {
		codes = append(codes, codeForbidden)
	}
	if rt.access == ofSite || rt.access == inBody {
		codes = append(codes, codeNotFound)
	}
	if rt.limited {
		codes = append(codes, codeTooMany)
	}
	return codes
}

func security(rt route) []map[string][]string {
	switch {
	case rt.access == public:
		return []map[string][]string{{}}
	case len(rt.scopes) == 0:
		return []map[string][]string{{"cookie": {}}}
	}
	return []map[string][]string{{"cookie": {}}, {"key": rt.scopes}}
}

// content describes a body by its Go type; nil is no body.
func content(schemas huma.Registry, body any) map[string]*huma.MediaType {
	if raw, ok := body.(rawBody); ok {
		if body = raw.schema; body == nil {
			return map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject}}}
		}
	}
	if body == nil {
		return nil
	}
	return map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(reflect.TypeOf(body), true, "")}}
}

// operationID is made from method and path, as getSitesByIdKeys.
func operationID(rt route) string {
	name := strings.ToLower(rt.method)
	for part := range strings.SplitSeq(strings.TrimPrefix(rt.path, "/api/"), "/") {
		if part == "v1" || part == "v2" {
			continue
		}
		if inner, ok := strings.CutPrefix(part, "{"); ok {
			part = "by-" + strings.TrimSuffix(inner, "}")
		}
		for word := range strings.FieldsFuncSeq(part, func(r rune) bool { return r == '-' || r == '.' }) {
			name += strings.ToUpper(word[:1]) + word[1:]
		}
	}
	return name
}

func pathParams(path string) []string {
	var names []string
	for _, match := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
		names = append(names, match[1])
	}
	return slices.Clip(names)
}

func orText(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
