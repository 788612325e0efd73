package api

import (
	"context"
	"encoding/json"
	"net/http"
)

// migrateLine is one line of the reply of /admin/migrate and /admin/export. The last one has a report or an error.
type migrateLine struct {
	Progress any           `json:"progress,omitempty"`
	Report   any           `json:"report,omitempty"`
	Error    *migrateError `json:"error,omitempty"`
}

type migrateError struct {
	Message string `json:"message"`
}

// adminMigrate copies the installation and says line by line how far it is.
func adminMigrate(c *call) (any, error) {
	migrator := c.api.options.Migrator
	if migrator == nil {
		return nil, fail(codeUnavailable, "there is nothing to migrate here: it is a cluster already")
	}
	return c.tell(func(ctx context.Context, progress func(any)) (any, error) { return migrator.Migrate(ctx, c.body, progress) })
}

// adminExport writes events to an archive and says line by line how far it is.
func adminExport(c *call) (any, error) {
	exporter := c.api.options.Exporter
	if exporter == nil {
		return nil, fail(codeUnavailable, "there is nothing to export here: a cluster archives by itself")
	}
	return c.tell(func(ctx context.Context, progress func(any)) (any, error) { return exporter.Export(ctx, c.body, progress) })
}

// tell answers with lines of JSON while work goes on. It ends with the request, or when the API closes.
func (c *call) tell(work func(ctx context.Context, progress func(any)) (any, error)) (any, error) {
	c.api.sockets.Add(1)
	defer c.api.sockets.Done()
	ctx, cancel := context.WithCancel(c.r.Context())
	defer cancel()
	defer context.AfterFunc(c.api.closing, cancel)()
	c.w.Header().Set("Content-Type", "application/x-ndjson")
	write := func(line migrateLine) {
		if err := json.NewEncoder(c.w).Encode(line); err != nil {
			cancel() // nobody listens any more
		}
		_ = http.NewResponseController(c.w).Flush()
	}
	report, err := work(ctx, func(progress any) { write(migrateLine{Progress: progress}) })
	if err != nil {
		write(migrateLine{Error: &migrateError{err.Error()}})
		return hijacked{}, nil
	}
	write(migrateLine{Report: report})
	return hijacked{}, nil
}
