package druid

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"

	"github.com/footfall-analytics/footfall/internal/store/sqlgen"
)

// The datasources.
const (
	PageViews = "page_views"
	Sources   = "sources"
)

// Options of a Store. Brokers and Coordinators are needed.
type Options struct {
	Brokers      []string // URLs; a query goes to the first that answers, a replaced day is waited for at all of them
	Coordinators []string // URLs, with the overlord in the same process or behind the same address
	// Prefix stands before the names of the datasources, so that installations can share a Druid: letters, digits, _ and -.
	Prefix    string
	QueryTime time.Duration // longest time of a query; 0: 30 s
	TaskTime  time.Duration // longest time that a replacement may take until it is seen at the brokers; 0: 15 min
	Parallel  int           // parts of one query that run side by side; 0: 4
}

func (o *Options) setDefaults() {
	if o.QueryTime <= 0 {
		o.QueryTime = 30 * time.Second
	}
	if o.TaskTime <= 0 {
		o.TaskTime = 15 * time.Minute
	}
	if o.Parallel <= 0 {
		o.Parallel = 4
	}
}

var prefixPattern = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)

func (o *Options) check() error {
	if len(o.Brokers) == 0 || len(o.Coordinators) == 0 {
		return errors.New("a broker and a coordinator are needed")
	}
	for _, address := range append(append([]string{}, o.Brokers...), o.Coordinators...) {
		if u, err := url.Parse(address); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%q is no URL of http or https", address)
		}
	}
	if !prefixPattern.MatchString(o.Prefix) {
		return fmt.Errorf("prefix %q has other characters than letters, digits, _ and -", o.Prefix)
	}
	return nil
}

// Store is a Druid over HTTP. It is safe for concurrent use.
type Store struct {
	opts         Options
	dialect      sqlgen.Dialect
	http         *http.Client
	brokers      []string
	coordinators []string
	turn         *atomic.Uint32 // spreads queries over the brokers
}

// Open returns a store. It asks nothing of Druid yet: see Ready.
func Open(opts Options) (*Store, error) {
	opts.setDefaults()
	if err := opts.check(); err != nil {
		return nil, fmt.Errorf("cannot use Druid: %w", err)
	}
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true, // sketches hardly shrink
	}
	return &Store{
		opts: opts, dialect: sqlgen.Druid(opts.Prefix), http: &http.Client{Transport: transport},
		brokers: trimmed(opts.Brokers), coordinators: trimmed(opts.Coordinators), turn: new(atomic.Uint32),
	}, nil
}

func trimmed(addresses []string) []string {
	out := make([]string, len(addresses))
	for i, address := range addresses {
		out[i] = strings.TrimRight(address, "/")
	}
	return out
}

// Close lets go of the connections.
func (s *Store) Close() error {
	s.http.CloseIdleConnections()
	return nil
}
