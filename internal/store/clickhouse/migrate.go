package clickhouse

import (
	"context"
	_ "embed"
	"fmt"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

//go:embed schema.sql
var schema string

// migrate makes the database and what is missing in it.
func migrate(ctx context.Context, opts *Options) error {
	server, err := connect(opts, "default", opts.User, opts.Password, 1, nil)
	if err != nil {
		return err
	}
	defer func() { _ = server.Close() }()
	if err := server.Exec(ctx, "create database if not exists "+opts.Database); err != nil {
		return err
	}
	db, err := connect(opts, opts.Database, opts.User, opts.Password, 1, nil)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	text := strings.ReplaceAll(schema, "{retention_days}", strconv.Itoa(opts.retentionDays()+1)) // a day goes when all of it may
	for statement := range strings.SplitSeq(text, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if err := db.Exec(ctx, statement); err != nil {
			return fmt.Errorf("%w in %q", err, firstLine(statement))
		}
	}
	return changeRetention(ctx, db, opts)
}

// changeRetention gives tables that were made with another retention the new one. Parts go by it when their time has come;
// none is written anew.
func changeRetention(ctx context.Context, db driver.Conn, opts *Options) error {
	for table, column := range map[string]string{"events": "timestamp", "sessions": "session_start", "page_views": "date"} {
		ttl := fmt.Sprintf("toDate(%s) + toIntervalDay(%d)", column, opts.retentionDays()+1)
		var same bool
		const sql = "select position(create_table_query, {p1:String}) > 0 from system.tables where database = currentDatabase() and name = {p2:String}"
		if err := db.QueryRow(ctx, sql, named([]any{" TTL " + ttl, table})...).Scan(&same); err != nil {
			return err
		}
		if same {
			continue
		}
		if err := db.Exec(ctx, "alter table "+table+" modify ttl "+ttl+" settings materialize_ttl_after_modify = 0"); err != nil {
			return err
		}
	}
	return nil
}

// firstLine returns the first line of a statement that is no comment.
func firstLine(statement string) string {
	for line := range strings.SplitSeq(statement, "\n") {
		if line != "" && !strings.HasPrefix(line, "--") {
			return line
		}
	}
	return statement
}
