package api

import (
	"encoding/json"
	"fmt"
	"time"
)

// batchReply is what the daily job's leader said last. All but enabled are missing where none ever led.
type batchReply struct {
	Enabled  bool      `json:"enabled"`
	Leader   string    `json:"leader,omitempty"`
	At       time.Time `json:"at,omitzero"`
	Running  string    `json:"running,omitempty"` // the days that are made at present
	Dirty    int       `json:"dirty"`             // finished days of sites whose rollups are not up to date
	Oldest   string    `json:"oldest,omitempty"`
	Failures int       `json:"failures"` // since the last run that did not fail
	Error    string    `json:"error,omitempty"`
	Last     *batchRun `json:"last,omitempty"`
}

type batchRun struct {
	From     string    `json:"from"`
	To       string    `json:"to"`
	Started  time.Time `json:"started"`
	Seconds  float64   `json:"seconds"`
	Days     int       `json:"days"`
	Rolled   int       `json:"rolled"`
	Repaired int       `json:"repaired"`
}

// getBatch leaves out which days of which sites stay dirty: callers may not see all sites.
func getBatch(c *call) (any, error) {
	if c.api.options.Batch == nil {
		return batchReply{}, nil
	}
	raw, err := c.api.options.Batch.BatchStatus(c.r.Context())
	if err != nil {
		return nil, err
	}
	var reply batchReply
	if err := json.Unmarshal(raw, &reply); err != nil {
		return nil, fmt.Errorf("cannot read the state of the daily job: %w", err)
	}
	reply.Enabled = true
	return reply, nil
}
