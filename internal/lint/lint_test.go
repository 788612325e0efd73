// Package lint holds the rules of the layout as tests: which package may import which, and what may not stand where.
package lint

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/footfall-analytics/footfall/"

// layers orders the packages: a package may import packages of a lower layer only, or of its own tree.
var layers = map[string]int{
	"internal/event": 0, "internal/sketch": 0, "internal/config": 0, "internal/obs": 0, "internal/eventlog": 0, "internal/object": 0,
	"internal/redis": 1, "internal/redis/redistest": 2, "internal/object/objecttest": 2, "internal/session/redis": 3, "internal/cache/redis": 3, "internal/live/redis": 3,
	"internal/enrich": 1, "internal/stream": 1, "internal/query": 1, "internal/account": 1, "internal/session": 1, "internal/store": 1,
	"internal/store/sqlgen": 2, "internal/store/storetest": 2, "internal/store/audit": 2, "internal/eventlog/local": 2, "internal/eventlog/kafka": 2, "internal/eventlog/logtest": 2,
	"internal/collect": 2, "internal/collect/wire": 1, "internal/live": 2, "internal/migrate": 2,
	"internal/load": 3, "internal/lake": 3, "internal/store/druid": 3, "internal/store/duckdb": 3, "internal/store/clickhouse": 3, "internal/demo": 3, "internal/report": 3,
	"internal/api": 4, "internal/batch": 4, "internal/app": 5, "cmd/footfall": 6,
	"web": 0, "sdk/js": 0, "deploy/druid": 0, "jobs/daily": 0,
}

// engines may be imported by the listed packages only: the rest of the code does not know which engine runs.
var engines = map[string][]string{
	"github.com/duckdb/":         {"internal/store/duckdb"},
	"github.com/ClickHouse/":     {"internal/store/clickhouse"},
	"github.com/cockroachdb/":    {"internal/eventlog/local"},
	"github.com/twmb/":           {"internal/eventlog/kafka"},
	"modernc.org/sqlite":         {"internal/account"},
	"github.com/jackc/pgx":       {"internal/account"},
	"github.com/redis/":          {"internal/redis", "internal/redis/redistest", "internal/session/redis", "internal/cache/redis", "internal/live/redis"},
	"github.com/minio/":          {"internal/object"},
	"github.com/parquet-go/":     {"internal/lake"},
	"github.com/coder/websocket": {"internal/api"},
	"github.com/knadh/koanf":     {"internal/config"},
	"github.com/alecthomas/kong": {"cmd/footfall"},
	"github.com/prometheus/":     {"internal/obs"},
	"github.com/danielgtaylor/":  {"internal/api"},
}

// leaves import nothing of this module.
var leaves = []string{"internal/event", "internal/sketch", "internal/eventlog", "internal/config", "internal/object", "web", "sdk/js", "deploy/druid", "jobs/daily"}

// timeless packages get the time as a parameter.
var timeless = []string{"internal/event", "internal/enrich", "internal/stream", "internal/query", "internal/sketch", "internal/store/sqlgen"}

type source struct {
	pkg, path string
	file      *ast.File
}

func TestImportsPointDown(t *testing.T) {
	for _, s := range sources(t) {
		layer, known := layers[s.pkg]
		if !known && strings.HasPrefix(s.pkg, "internal/") {
			t.Errorf("%s: package %s stands in no layer of internal/lint", s.path, s.pkg)
		}
		for _, imp := range s.file.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			target, own := strings.CutPrefix(path, module)
			if !own {
				checkEngine(t, s, path)
				continue
			}
			if contains(leaves, s.pkg) {
				t.Errorf("%s: %s is a leaf and imports %s", s.path, s.pkg, target)
			}
			if known && layers[target] >= layer && !strings.HasPrefix(target, s.pkg) && !strings.HasPrefix(s.pkg, target+"/") {
				t.Errorf("%s: %s (layer %d) imports %s (layer %d)", s.path, s.pkg, layer, target, layers[target])
			}
		}
	}
}

func checkEngine(t *testing.T, s source, path string) {
	for prefix, allowed := range engines {
		if strings.HasPrefix(path, prefix) && !contains(allowed, s.pkg) {
			t.Errorf("%s imports %s; only %v may", s.path, path, allowed)
		}
	}
}

func TestTimeIsAParameter(t *testing.T) {
	for _, s := range sources(t) {
		if !contains(timeless, s.pkg) {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" && (sel.Sel.Name == "Now" || sel.Sel.Name == "Since") {
					t.Errorf("%s calls time.%s", s.path, sel.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestNoInit(t *testing.T) {
	for _, s := range sources(t) {
		for _, decl := range s.file.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function: the list of parts is code in internal/app", s.path)
			}
		}
	}
}

func TestPackagesHaveDocAndTests(t *testing.T) {
	doc, test := map[string]bool{}, map[string]bool{}
	for _, s := range sources(t) {
		doc[s.pkg] = doc[s.pkg] || s.file.Doc != nil
		entries, _ := filepath.Glob(filepath.Join(root(t), s.pkg, "*_test.go"))
		test[s.pkg] = len(entries) > 0
	}
	for pkg := range doc {
		if !doc[pkg] {
			t.Errorf("package %s has no doc comment", pkg)
		}
		if !test[pkg] && !untested[pkg] {
			t.Errorf("package %s has no tests of its own", pkg)
		}
	}
}

// untested packages are contracts or batteries that other packages' tests run.
var untested = map[string]bool{"internal/eventlog": true, "internal/eventlog/logtest": true, "internal/store": true, "internal/store/storetest": true, "internal/redis/redistest": true, "internal/object/objecttest": true, "sdk/js": true}

func TestOnlyConfigReadsTheEnvironment(t *testing.T) {
	for _, s := range sources(t) {
		if s.pkg == "internal/config" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Name == "os" && (sel.Sel.Name == "Getenv" || sel.Sel.Name == "LookupEnv" || sel.Sel.Name == "Environ") {
					t.Errorf("%s reads the environment", s.path)
				}
			}
			return true
		})
	}
}

func TestDependenciesAreListed(t *testing.T) {
	listed, err := os.ReadFile(filepath.Join(root(t), "docs/dependencies.md"))
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.Open(filepath.Join(root(t), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	defer mod.Close()
	for scan := bufio.NewScanner(mod); scan.Scan(); {
		fields := strings.Fields(strings.TrimPrefix(scan.Text(), "require "))
		direct := len(fields) == 2 && strings.HasPrefix(fields[1], "v") && strings.Contains(fields[0], ".")
		if direct && !strings.Contains(string(listed), fields[0]) {
			t.Errorf("docs/dependencies.md has no line for %s", fields[0])
		}
	}
}

func TestNoUnsafeHTML(t *testing.T) {
	walk(t, "web/src", func(path string) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, bad := range []string{"{@html", "innerHTML", "outerHTML", "insertAdjacentHTML"} {
			if strings.Contains(string(text), bad) {
				t.Errorf("%s uses %s", path, bad)
			}
		}
	})
}

func walk(t *testing.T, dir string, visit func(path string)) {
	base := filepath.Join(root(t), dir)
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			visit(path)
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
}

// sources parses every non-test Go file of the product.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	for _, dir := range []string{"cmd", "internal", "web", "sdk/js", "deploy/druid"} {
		walk(t, dir, func(path string) {
			if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.Contains(path, "node_modules") || strings.Contains(path, "testdata") {
				return
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			rel, _ := filepath.Rel(root(t), filepath.Dir(path))
			out = append(out, source{pkg: filepath.ToSlash(rel), path: strings.TrimPrefix(path, root(t)+"/"), file: file})
		})
	}
	return out
}

func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s {
			return true
		}
	}
	return false
}
