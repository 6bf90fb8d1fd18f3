package server

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

// Limits say how much is enough: the first three for one node, the others for
// all that share a tally (CheckRate for each). Zero means the default. The
// defaults leave an office of some hundred people behind one address in peace;
// what one caller may do without them is bounded by the files of a process.
type Limits struct {
	Sockets           int // connections that wait (WebSocket, event stream, check with wait)
	SocketsPerAddress int // … of one address
	WatchersPerCode   int // … of one code, without proof of being its browser
	CodesPerAddress   int // codes that one address may have open
	CodesPerPool      int // … one pool; networks have a part of it, see codes.go
	AddressRate       int // calls a second of one address that make or change something
	UserRate          int // the phone's calls a second of one user
	CheckRate         int // checks, pictures and opened links a second of one code
	MissRate          int // guesses a second of one address: codes and tickets that do not exist; wrong secrets, see guesses.go
}

// DefaultLimits are sized for a process that may open 20,000 files.
func DefaultLimits() Limits {
	return Limits{
		Sockets: 15_000, SocketsPerAddress: 2_000, WatchersPerCode: 8,
		CodesPerAddress: 1_000, CodesPerPool: 30_000,
		AddressRate: 100, UserRate: 5, CheckRate: 5, MissRate: 10,
	}
}

// or replaces the zeros of l by the defaults.
func (l Limits) or(d Limits) Limits {
	for _, f := range []struct{ value, fallback *int }{
		{&l.Sockets, &d.Sockets}, {&l.SocketsPerAddress, &d.SocketsPerAddress}, {&l.WatchersPerCode, &d.WatchersPerCode},
		{&l.CodesPerAddress, &d.CodesPerAddress}, {&l.CodesPerPool, &d.CodesPerPool},
		{&l.AddressRate, &d.AddressRate}, {&l.UserRate, &d.UserRate}, {&l.CheckRate, &d.CheckRate}, {&l.MissRate, &d.MissRate},
	} {
		if *f.value == 0 {
			*f.value = *f.fallback
		}
	}
	return l
}

// burst is how many seconds' worth of a rate may come at once: people arrive
// in crowds, at nine in the morning.
const burst = 10

// perSecond is an allowance of n a second.
func perSecond(n int) ratelimit.Limit {
	return ratelimit.Limit{Burst: n * burst, Period: burst * time.Second}
}

// openCodes is an allowance of n codes that are open: they come back within
// the default life of a code, so at most twice n are ever open, and nothing
// must be counted down.
func openCodes(n int) ratelimit.Limit { return ratelimit.Limit{Burst: n, Period: 2 * time.Minute} }

// counter counts what each key has at the moment.
type counter[K comparable] struct {
	most int

	mu sync.Mutex
	n  map[K]int
}

func newCounter[K comparable](most int) *counter[K] {
	return &counter[K]{most: most, n: make(map[K]int)}
}

// take counts one more, unless there are enough.
func (c *counter[K]) take(key K) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[key] >= c.most {
		return false
	}
	c.n[key]++
	return true
}

func (c *counter[K]) drop(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[key]--; c.n[key] <= 0 {
		delete(c.n, key)
	}
}

// strangers counts the watchers of codes that did not prove to be the browser.
// Who asked for a code can always watch it, however many have seen the picture.
type strangers struct{ *counter[session.ID] }

func (s strangers) giveBack(id session.ID, v viewer) {
	if !v.isBrowser {
		s.drop(id)
	}
}

// gates are all limits of a server at work. What a node has (connections) and
// what each page of one code does (checks) is its own business; what one
// person, address or pool does is counted over all nodes.
type gates struct {
	Limits
	open       atomic.Int64 // connections that wait
	perAddress *counter[string]
	checks     *ratelimit.Memory
	shared     *ratelimit.Batcher
}

func newGates(l Limits, far ratelimit.Store, log *slog.Logger) *gates {
	return &gates{
		Limits: l, perAddress: newCounter[string](l.SocketsPerAddress),
		checks: ratelimit.NewMemory(), shared: ratelimit.NewBatcher(far, log),
	}
}

// enter takes a place for a connection that waits; leave gives it back.
func (g *gates) enter(address string) bool {
	if g.open.Add(1) > int64(g.Sockets) {
		g.open.Add(-1)
		return false
	}
	if !g.perAddress.take(address) {
		g.open.Add(-1)
		return false
	}
	return true
}

func (g *gates) leave(address string) {
	g.open.Add(-1)
	g.perAddress.drop(address)
}

// occupy takes a place for a request that waits.
func (s *Server) occupy(c echo.Context) (done func(), err error) {
	address := ipaddr.Key(c.RealIP())
	if !s.gates.enter(address) {
		return nil, errTooMany
	}
	return func() { s.gates.leave(address) }, nil
}
