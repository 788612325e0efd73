package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go-bindings"

	"github.com/footfall-analytics/footfall/internal/query"
)

// conn is one connection to the database. It is used by one goroutine at a time.
type conn struct {
	handle   duck.Connection
	prepared map[string]*prepared // by SQL text; see exec
	reading  bool                 // rows of a statement are being handed out: another one would end it
}

// prepared is a statement with its plan.
type prepared struct {
	duck.PreparedStatement
	uses int
}

// planUses is how often a plan is used before it is made anew. A plan is made for the sizes that tables have then: one made for an
// empty table would build a hash table of all of it for good.
const planUses = 16

// interruptAgain is how often a cancelled statement is told to stop until it does: DuckDB forgets an interrupt that
// arrives between two steps of a statement.
const interruptAgain = 50 * time.Millisecond

func connect(db duck.Database) (*conn, error) {
	c := &conn{prepared: map[string]*prepared{}}
	if duck.Connect(db, &c.handle) == duck.StateError {
		return nil, errors.New("cannot connect to the database")
	}
	return c, nil
}

func (c *conn) close() {
	for _, stmt := range c.prepared {
		duck.DestroyPrepare(&stmt.PreparedStatement)
	}
	duck.Disconnect(&c.handle)
}

// exec runs one statement for its effect. Its plan is kept: callers pass a fixed set of texts.
func (c *conn) exec(ctx context.Context, sql string, args ...any) error {
	return c.each(ctx, sql, args, func(*Chunk) error { return nil })
}

// execAll runs a script of statements without parameters.
func (c *conn) execAll(script string) error {
	var res duck.Result
	defer duck.DestroyResult(&res)
	if duck.Query(c.handle, script, &res) == duck.StateError {
		return resultError(&res)
	}
	return nil
}

// each runs one statement and calls yield for each chunk of its result. The statement stays prepared.
func (c *conn) each(ctx context.Context, sql string, args []any, yield func(*Chunk) error) error {
	p := c.prepared[sql]
	if p != nil && p.uses >= planUses {
		c.forget(sql)
		p = nil
	}
	if p == nil {
		stmt, err := c.prepare(sql)
		if err != nil {
			return err
		}
		p = &prepared{PreparedStatement: stmt}
		c.prepared[sql] = p
	}
	p.uses++
	err := c.run(ctx, p.PreparedStatement, args, yield)
	if err != nil {
		c.forget(sql) // it may hold what it had in memory when it failed
	}
	return err
}

// forget gives a kept plan up.
func (c *conn) forget(sql string) {
	duck.DestroyPrepare(&c.prepared[sql].PreparedStatement)
	delete(c.prepared, sql)
}

// once runs one statement whose plan is not kept.
func (c *conn) once(ctx context.Context, sql string, args []any, yield func(*Chunk) error) error {
	stmt, err := c.prepare(sql)
	if err != nil {
		return err
	}
	defer duck.DestroyPrepare(&stmt)
	return c.run(ctx, stmt, args, yield)
}

func (c *conn) prepare(sql string) (duck.PreparedStatement, error) {
	var stmt duck.PreparedStatement
	if duck.Prepare(c.handle, sql, &stmt) == duck.StateError {
		err := fmt.Errorf("cannot prepare %q: %s", head(sql), duck.PrepareError(stmt))
		duck.DestroyPrepare(&stmt)
		return stmt, err
	}
	return stmt, nil
}

func (c *conn) run(ctx context.Context, stmt duck.PreparedStatement, args []any, yield func(*Chunk) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := bind(stmt, args); err != nil {
		return err
	}
	stop := c.interruptOn(ctx)
	c.reading = true
	err := execute(stmt, yield)
	c.reading = false
	stop()
	if err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

func execute(stmt duck.PreparedStatement, yield func(*Chunk) error) error {
	var pending duck.PendingResult
	defer duck.DestroyPending(&pending)
	if duck.PendingPreparedStreaming(stmt, &pending) == duck.StateError {
		return engineError(duck.PendingError(pending))
	}
	if !await(pending) {
		return engineError(duck.PendingError(pending))
	}
	var res duck.Result
	defer duck.DestroyResult(&res)
	if duck.ExecutePending(pending, &res) == duck.StateError {
		return resultError(&res)
	}
	return fetch(&res, yield)
}

// Pauses of a statement's own thread while other threads are at work on what is left of it.
const (
	leastPause = 20 * time.Microsecond
	mostPause  = time.Millisecond
)

// await works on a statement until its result is ready; false when it has failed. Left to itself, the engine would spin while other
// threads finish what they have begun, for as long as that takes on a busy machine.
func await(pending duck.PendingResult) bool {
	for pause := leastPause; ; {
		switch state := duck.PendingExecuteTask(pending); state {
		case duck.PendingStateResultNotReady:
			pause = leastPause
		case duck.PendingStateNoTasksAvailable:
			time.Sleep(pause)
			pause = min(pause*3/2, mostPause)
		default:
			return state != duck.PendingStateError
		}
	}
}

// fetch hands out the chunks of a result. It reads to the end unless yield fails.
func fetch(res *duck.Result, yield func(*Chunk) error) error {
	for {
		data := duck.FetchChunk(*res)
		if data.Ptr == nil {
			if text := duck.ResultError(res); text != "" {
				return resultError(res)
			}
			return nil
		}
		chunk := newChunk(res, data)
		err := yield(chunk)
		duck.DestroyDataChunk(&data)
		if err != nil {
			return err
		}
	}
}

// interruptOn makes the running statement fail once ctx is done. The returned function ends the watch and must be
// called before the connection is used again.
func (c *conn) interruptOn(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	finished, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(left)
		select {
		case <-finished:
			return
		case <-ctx.Done():
		}
		for {
			duck.Interrupt(c.handle)
			select {
			case <-finished:
				return
			case <-time.After(interruptAgain):
			}
		}
	}()
	return func() {
		close(finished)
		<-left
	}
}

// one runs a statement whose result is a single row of bigints and returns it; absent rows and nulls read 0.
func (c *conn) one(ctx context.Context, sql string, args ...any) (row []int64, err error) {
	err = c.each(ctx, sql, args, func(chunk *Chunk) error {
		row = make([]int64, chunk.Columns())
		for col := range row {
			if !chunk.Null(col, 0) {
				row[col] = chunk.Int64s(col)[0]
			}
		}
		return nil
	})
	return row, err
}

func resultError(res *duck.Result) error {
	return engineError(duck.ResultError(res))
}

func engineError(text string) error {
	if strings.Contains(text, "INTERRUPT") {
		return errors.New("the statement was interrupted")
	}
	if strings.HasPrefix(text, "Out of Memory Error") {
		text, _, _ = strings.Cut(text, "\n") // what follows advises of settings
		return fmt.Errorf("%w: %s", query.ErrMemory, text)
	}
	return errors.New(text)
}

// head is the first line of a statement, for messages.
func head(sql string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(sql), "\n")
	return line[:min(len(line), 120)]
}
