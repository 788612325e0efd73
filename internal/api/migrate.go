package api

import (
	"context"
	"encoding/json"
	"net/http"
)

// migrateLine is one line of the reply of /admin/migrate. The last one has a report or an error.
type migrateLine struct {
	Progress any           `json:"progress,omitempty"`
	Report   any           `json:"report,omitempty"`
	Error    *migrateError `json:"error,omitempty"`
}

type migrateError struct {
	Message string `json:"message"`
}

// adminMigrate copies the installation and says line by line how far it is. It ends with the request, or when the API closes.
func adminMigrate(c *call) (any, error) {
	migrator := c.api.options.Migrator
	if migrator == nil {
		return nil, fail(codeUnavailable, "there is nothing to migrate here: it is a cluster already")
	}
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
	report, err := migrator.Migrate(ctx, c.body, func(progress any) { write(migrateLine{Progress: progress}) })
	if err != nil {
		write(migrateLine{Error: &migrateError{err.Error()}})
		return hijacked{}, nil
	}
	write(migrateLine{Report: report})
	return hijacked{}, nil
}
