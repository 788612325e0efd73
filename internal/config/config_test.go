package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestDefaultsAreValid(t *testing.T) {
	c, err := Load("", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:8080" || c.Data != "./footfall-data" || c.Log.RetentionDays != 8 {
		t.Errorf("got %+v", c)
	}
	if p, err := c.Proxies(); err != nil || len(p) != 2 {
		t.Errorf("proxies %v, %v", p, err)
	}
}

func TestOrderFileEnvironmentFlags(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.toml")
	write(t, path, "data = \"/a\"\nlisten = \"127.0.0.1:1\"\ndemo = true\n[store]\nmemory_limit = \"1GB\"\n")
	environ := []string{"FOOTFALL_LISTEN=127.0.0.1:2", "FOOTFALL_STORE__THREADS=3", "FOOTFALL_TRUSTED_PROXIES=10.0.0.0/8,192.0.2.1", "OTHER=1",
		"FOOTFALL_TEST_KAFKA=127.0.0.1:19092", "FOOTFALL_ENGINES_DATA=/tmp"}
	c, err := Load(path, environ, map[string]any{"data": "/b"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Data != "/b" || c.Listen != "127.0.0.1:2" || c.Store.Threads != 3 || c.Store.MemoryLimit != "1GB" || !c.Demo {
		t.Errorf("got %+v", c)
	}
	if p, _ := c.Proxies(); len(p) != 2 || p[1].String() != "192.0.2.1/32" {
		t.Errorf("proxies %v", p)
	}
}

func TestBadSettings(t *testing.T) {
	f := func(toml, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "bad.toml")
		write(t, path, toml)
		if _, err := Load(path, nil, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", toml, err, want)
		}
	}
	f("colour = 1", "colour")
	f("[store]\nmemory = 1", "memory")
	f("listen = \"8080\"", "listen")
	f("ops_listen = \"x\"", "ops_listen")
	f("data = \"\"", "data")
	f("trusted_proxies = [\"everyone\"]", "everyone")
	f("tls_cert = \"a\"", "tls_key")
	f("[log]\nretention_days = 7", "retention_days")
	f("[log]\nmax_bytes = 1", "max_bytes")
	f("[store]\nmemory_limit = \"lots\"", "memory_limit")
	f("[store]\nmemory_limit = \"1KB\"", "memory_limit")
	f("[s3]\nendpoint = \"127.0.0.1:9000\"", "s3.endpoint")
	f("[s3]\nendpoint = \"http://h\"\nbucket = \"\"", "s3.bucket")
	f("[archive]\nto = \"s3://b/p\"", "s3.endpoint")
	f("[archive]\nfile_bytes = 1", "file_bytes")
	f("[archive]\nfile_seconds = 0", "file_seconds")
	f("[archive]\nretention_months = 13", "archive.retention_months")
	f("[archive]\nretention_months = 15\n[store]\nretention_months = 0", "archive.retention_months")
	f("[api]\nqueries_per_hour = -1", "queries_per_hour")
	f("[cluster]\nredis = [\"127.0.0.1:1\"]", "cluster.kafka")
	const kafka = "[cluster]\nkafka = [\"127.0.0.1:1\"]\n"
	f(kafka, "no server is given")
	const engines = kafka + "clickhouse = [\"127.0.0.1:2\"]\nredis = [\"127.0.0.1:3\"]\n"
	f(engines, "cluster.postgres")
	f(engines+"postgres = \"postgres://x\"\nstream_days = 6", "stream_days")
	f(engines+"postgres = \"postgres://x\"\npartitions = 0", "partitions")
	f(engines+"postgres = \"postgres://x\"\nreplication = 0", "replication")
	f("demo = true\n"+engines+"postgres = \"postgres://x\"", "demo")
	f("[cluster]\nkafka = [\"here\"]\nclickhouse = [\"127.0.0.1:2\"]\nredis = [\"127.0.0.1:3\"]", "cluster.kafka")
	f("roles = [\"dance\"]", "dance")
	f("[store]\nquery_timeout_seconds = 0", "query_timeout_seconds")
	f("[store]\nthreads = -1", "threads")
	f("[store]\nretention_months = -1", "retention_months")
	f("[collect]\nevents_per_second = -1", "events_per_second")
	f("not toml", "bad.toml")
	if _, err := Load("/nowhere/at-all.toml", nil, nil); err == nil {
		t.Error("a missing file was taken")
	}
	if _, err := Load("", []string{"FOOTFALL_TYPO=1"}, nil); err == nil || !strings.Contains(err.Error(), "typo") {
		t.Errorf("unknown environment key: %v", err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSizesAndRoles(t *testing.T) {
	for text, want := range map[string]int64{"256MB": 256e6, "1GiB": 1 << 30, "64 MiB": 64 << 20, "1.5GB": 15e8, "": 0, "x": 0, "5": 0, "5TB": 0, "-1MB": 0} {
		if got := size(text); got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
	c := Default()
	if !c.Runs("web") {
		t.Error("no roles: runs all")
	}
	c.Roles = []string{"collect"}
	if c.Runs("web") || !c.Runs("collect") {
		t.Error("one role runs that one")
	}
}

// TestEveryKeyIsDocumented keeps docs/config.md complete.
func TestEveryKeyIsDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/config.md")
	if err != nil {
		t.Fatal(err)
	}
	var walk func(prefix string, typ reflect.Type)
	walk = func(prefix string, typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			key := prefix + f.Tag.Get("koanf")
			if f.Type.Kind() == reflect.Struct {
				walk(key+".", f.Type)
			} else if !strings.Contains(string(doc), "`"+key+"`") {
				t.Errorf("docs/config.md has no line for %s", key)
			}
		}
	}
	walk("", reflect.TypeFor[Config]())
}

func TestReadyConfigsLoad(t *testing.T) {
	paths, err := filepath.Glob("../../deploy/config/*.toml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no configs: %v", err)
	}
	for _, path := range paths {
		c, err := Load(path, nil, nil)
		if err != nil || !c.Clustered() {
			t.Errorf("%s: clustered %v, %v", path, c.Clustered(), err)
		}
	}
}
