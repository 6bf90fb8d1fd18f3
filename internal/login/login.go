// Package login contains the use cases of a QR-code login: create a code, view it, scan,
// confirm, cancel, withdraw it, and redeem its ticket. It is the only place where pool
// settings, limits, risk signals and the store meet. It has no HTTP types, so every
// transport uses the same functions.
//
// It guarantees that a success means that the store has the result; that ticket and user
// are returned only to a caller that proved its right to them; that a caller that guesses
// codes, tickets or secrets is refused whether or not the next guess would be right; and
// that an event is emitted once for each stored step. Rules of the protocol are in package
// session.
package login

import (
	"context"
	"log/slog"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/fairshare"
	"github.com/scanlogin/scanlogin/internal/kv"
	"github.com/scanlogin/scanlogin/internal/loglimit"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/internal/risk"
	"github.com/scanlogin/scanlogin/internal/token"
	"github.com/scanlogin/scanlogin/session"
)

// Options are the settings and dependencies of a Service. PublicURL, Pools and Store are
// required.
type Options struct {
	PublicURL string // how browsers reach the server: scheme://host[:port]
	Pools     *pool.Registry
	Store     session.Store

	Signer    *token.Signer // nil: no tokens are issued
	Limits    Limits
	Counts    ratelimit.Store   // counts of all nodes; nil: of this one only
	Records   kv.Store          // records of all nodes; nil: of this one only
	Observers session.Observers // receive the events of this node

	// Place looks up an address: the country (ISO 3166-1, two letters), and a name in
	// lang, "en" or "zh-CN"; "" for what is unknown. nil: everything is.
	Place func(addr netip.Addr, lang string) (country, name string)

	Log *slog.Logger // nil: no log
}

// Service runs the use cases for all pools. Its methods may be called concurrently. Create
// it with New.
type Service struct {
	publicURL string
	origin    string // of publicURL
	pools     *pool.Registry
	store     session.Store
	signer    *token.Signer
	observers session.Observers
	place     func(addr netip.Addr, lang string) (country, name string)
	log       *loglimit.Logger // for what requests can cause; keyed by ErrorKind

	records kv.Store
	logins  *authorization.Store // at OAuth clients
	guesses ratelimit.Store      // counts of guesses that must be exact

	limits   *limits
	capacity *capacity
	history  *risk.History
	inStore  atomic.Int64 // store operations in progress
}

// logInterval is how often a message of one kind is logged that requests can cause.
const logInterval = 10 * time.Second

// New returns a service. It starts nothing; Run does.
func New(o Options) *Service {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Place == nil {
		o.Place = func(netip.Addr, string) (country, name string) { return "", "" }
	}
	if o.Records == nil {
		o.Records = kv.NewMemory()
	}
	s := &Service{
		records: o.Records, logins: authorization.New(o.Records), guesses: o.Counts,
		publicURL: strings.TrimSuffix(o.PublicURL, "/"), origin: originOf(o.PublicURL),
		pools: o.Pools, store: o.Store, signer: o.Signer, observers: o.Observers, place: o.Place,
		log:    loglimit.New(o.Log, logInterval),
		limits: newLimits(o.Limits.or(DefaultLimits()), o.Counts, o.Log), capacity: newCapacity(o.Store, o.Log),
	}
	if s.guesses == nil {
		s.guesses = ratelimit.NewMemory()
	}
	s.history = risk.NewHistory(o.Pools, s.limits.shared, o.Store.Now)
	return s
}

// originOf returns the origin of an address, as browsers write it.
func originOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + u.Host
}

// Run measures how full the store is until ctx ends. Without it, new codes are accepted
// until the store is full.
func (s *Service) Run(ctx context.Context) { s.capacity.run(ctx) }

// Flush waits until the counts of this node are sent to the other nodes, or ctx ends. The
// second call is for counts that depend on others.
func (s *Service) Flush(ctx context.Context) {
	for range 2 {
		_, _ = s.limits.shared.Do(ctx)
	}
}

// Now estimates the store's clock without I/O.
func (s *Service) Now() time.Time { return s.store.Now() }

// Limits returns the limits in force.
func (s *Service) Limits() Limits { return s.limits.Limits }

// Usage is what a service uses at the moment.
type Usage struct {
	Connections int     // that wait: sockets, event streams, checks with wait
	Store       float64 // part of the store that is used, 1 for full; NaN: unknown
	Refused     RefusedCodes
}

// RefusedCodes counts the new codes that were refused because the store was filling up.
type RefusedCodes = struct {
	Pool    int64 // the pool had more than its share
	Network int64 // the network had more than its share
	Full    int64 // no new code was accepted
}

// Usage returns the current usage.
func (s *Service) Usage() Usage {
	refused := &s.capacity.refused
	return Usage{
		Connections: int(s.limits.open.Load()), Store: s.capacity.ratio(),
		Refused: RefusedCodes{
			Pool: refused[fairshare.PoolShare].Load(), Network: refused[fairshare.NetworkShare].Load(), Full: refused[fairshare.Full].Load(),
		},
	}
}
