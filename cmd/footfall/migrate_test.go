package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const migrationReply = `{"progress":{"pass":1,"days_done":0,"days":3,"copied":{"events":0,"sessions":0}}}
{"progress":{"pass":1,"website_id":"w","day":1763856000000,"days_done":2,"days":3,"copied":{"events":20,"sessions":5}}}
{"report":{"agree":true,"accounts":{"users":1,"sites":2,"keys":3,"salts":4,"present":5,"differences":[]},"copied":{"events":20,"sessions":5},"passes":2,"left_out":{"days":1,"events":9},
"days":[{"website_id":"w","domain":"a.example","day":"2025-11-23","here":{"events":20,"sessions":5},"there":{"events":20,"sessions":5},"status":"agrees"},
{"website_id":"gone","day":"2025-11-24","here":{"events":3,"sessions":2},"there":{"events":2,"sessions":2},"status":"moving"}]}}
`

func TestMigrationIsFollowedAndPrinted(t *testing.T) {
	var told, out bytes.Buffer
	raw, err := followMigration(strings.NewReader(migrationReply), &told)
	if err != nil {
		t.Fatal(err)
	}
	if want := "pass 1: 0 of 3 days, 0 events and 0 sessions copied\npass 1, 2025-11-23: 2 of 3 days, 20 events and 5 sessions copied\n"; told.String() != want {
		t.Errorf("told %q, want %q", told.String(), want)
	}
	if err := (migrateCmd{}).print(streams{out: &out}, raw); err != nil {
		t.Fatal(err)
	}
	const want = `       site         day  events here  there  sessions here  there         
  a.example  2025-11-23           20     20              5      5         
       gone  2025-11-24            3      2              2      2   moving

copied now: 20 events, 5 sessions, 1 users, 2 sites, 3 keys, 4 salts
left out: 9 events of 1 days that the cluster would not keep
all agree but the days that are moving: stop the server and run it once more
`
	if lines := func(s string) string { return strings.Join(strings.Fields(s), " ") }; lines(out.String()) != lines(want) {
		t.Errorf("printed\n%s\nwant\n%s", out.String(), want)
	}
	out.Reset()
	differs := bytes.Replace(raw, []byte(`"agree":true`), []byte(`"agree":false`), 1)
	var exit exitError
	if err := (migrateCmd{JSON: true}).print(streams{out: &out}, differs); !errors.As(err, &exit) || exit != 1 || !strings.Contains(out.String(), `"status":"moving"`) {
		t.Errorf("%v %q", err, out.String())
	}
}

func TestMigrationThatEndsEarly(t *testing.T) {
	f := func(reply, want string) {
		t.Helper()
		if _, err := followMigration(strings.NewReader(reply), &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", reply, err, want)
		}
	}
	f("", "run it again")
	f(strings.SplitAfter(migrationReply, "\n")[0], "run it again")
	f(`{"error":{"message":"a table is gone"}}`, "a table is gone")
}

func TestMigrateNeedsACluster(t *testing.T) {
	file := filepath.Join(t.TempDir(), "cluster.toml")
	if err := os.WriteFile(file, []byte("listen = \"127.0.0.1:1\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, errOut, code := call(t, "", "migrate", "--to", file, "--data", t.TempDir()); code != 1 || !strings.Contains(errOut, "not those of a cluster") {
		t.Errorf("%d %q", code, errOut)
	}
	if _, errOut, code := call(t, "", "migrate"); code != 2 || !strings.Contains(errOut, "--to") {
		t.Errorf("%d %q", code, errOut)
	}
}
