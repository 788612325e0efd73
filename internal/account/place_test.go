package account

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgresVariable names the database that the tests may make schemas in.
const postgresVariable = "FOOTFALL_TEST_POSTGRES"

// Place is a database of a test's own.
type Place struct {
	Dir    string // of SQLite's files, "" for PostgreSQL
	Schema string // of PostgreSQL, which is also the name of its connections
	dsn    func(host string, port uint16) string
	config *pgx.ConnConfig
}

// OnEach runs the test on a new database of each engine.
func OnEach(t *testing.T, run func(t *testing.T, p *Place)) {
	t.Run("sqlite", func(t *testing.T) { run(t, &Place{Dir: t.TempDir()}) })
	t.Run("postgres", func(t *testing.T) { run(t, OnPostgres(t)) })
}

// OnPostgres makes a schema that ends with the test.
func OnPostgres(t *testing.T) *Place {
	t.Helper()
	dsn := os.Getenv(postgresVariable)
	if dsn == "" {
		t.Skipf("%s names no PostgreSQL database, as postgres://footfall@127.0.0.1:15432/footfall?sslmode=disable", postgresVariable)
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := &Place{Schema: "test_" + newID(), config: config}
	p.Exec(t, `create schema `+p.Schema)
	t.Cleanup(func() { p.Exec(t, `drop schema `+p.Schema+` cascade`) })
	p.dsn = func(host string, port uint16) string {
		return fmt.Sprintf("host=%s port=%d user=%s password='%s' dbname=%s sslmode=disable search_path=%s application_name=%s",
			host, port, config.User, config.Password, config.Database, p.Schema, p.Schema)
	}
	return p
}

// Exec runs a statement on a connection of its own, in the schema of the place.
func (p *Place) Exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	config := p.config.Copy()
	config.RuntimeParams["search_path"] = p.Schema
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// Drop ends all connections to the place.
func (p *Place) Drop(t *testing.T) {
	t.Helper()
	p.Exec(t, `select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1`, p.Schema)
}

// In returns the options with the place.
func (p *Place) In(options Options) Options {
	if p.Schema == "" {
		options.Path = filepath.Join(p.Dir, "a b?.db")
		return options
	}
	options.DSN = p.dsn(p.config.Host, p.config.Port)
	return options
}

// Server returns the address of PostgreSQL.
func (p *Place) Server() string { return fmt.Sprintf("%s:%d", p.config.Host, p.config.Port) }

// By returns the options with the place as reached by another port of this machine.
func (p *Place) By(port int, options Options) Options {
	options.DSN = p.dsn("127.0.0.1", uint16(port))
	return options
}
