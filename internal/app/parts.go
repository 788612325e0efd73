package app

import (
	"context"

	"github.com/footfall-analytics/footfall/internal/account"
	"github.com/footfall-analytics/footfall/internal/api"
	"github.com/footfall-analytics/footfall/internal/collect"
	"github.com/footfall-analytics/footfall/internal/config"
	"github.com/footfall-analytics/footfall/internal/obs"
	"github.com/footfall-analytics/footfall/internal/query"
)

// parts are what differs between the embedded product and a cluster: everything behind the door and below the API. Open makes
// them; what moves are the tasks.
type parts interface {
	// accounts belongs to the parts, which close it.
	accounts() *account.Store
	// door sets where the records of the door go and what it shares with other doors.
	door(*collect.Options) error
	// questions sets from where queries are answered.
	questions(*query.Options)
	// serving sets what the API shows and does beside queries. engine is nil where queries are not answered here.
	serving(*api.Options, *collect.Handler)
	// tasks are what moves for the roles of this process; they run until their context ends. An error ends the process.
	tasks() []task
	// flush returns when what was acknowledged before the call is in the store.
	flush(context.Context) error
	// watch registers what operators see.
	watch(*obs.Registry)
	// failed gets what no part can mend: the process must start again.
	failed() <-chan error
	Close() error
}

type task func(context.Context) error

// openParts is the only switch over backends.
func openParts(cfg config.Config, options Options) (parts, error) {
	if cfg.Clustered() {
		return openCluster(cfg, options)
	}
	return openEmbedded(cfg, options)
}
