package login

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

// Limits bound what callers may use: the first three per node, the others over all nodes
// that share a storage (CheckRate per node). Zero means the default. The defaults suffice
// for an office of some hundred people behind one address. Without them, a caller is bounded
// by the open files of a process only.
type Limits struct {
	Sockets           int // connections that wait (WebSocket, event stream, check with wait)
	SocketsPerAddress int // … of one address
	WatchersPerCode   int // … of one code, without proof of being its browser
	CodesPerAddress   int // codes that one address may have open
	CodesPerPool      int // … one pool; networks may have a part of it, see codes.go
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

// burst is how many seconds' worth of a rate may come at once: an office begins work at the
// same time.
const burst = 10

// perSecond is an allowance of n a second.
func perSecond(n int) ratelimit.Limit {
	return ratelimit.Limit{Burst: n * burst, Period: burst * time.Second}
}

// openCodes is an allowance of n open codes. It is refilled within the default lifetime of a
// code, so at most twice n are ever open, and nothing must be counted down.
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

// acquire counts one more, unless there are enough.
func (c *counter[K]) acquire(key K) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[key] >= c.most {
		return false
	}
	c.n[key]++
	return true
}

func (c *counter[K]) release(key K) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n[key]--; c.n[key] <= 0 {
		delete(c.n, key)
	}
}

// limits are the limits of a service with their counts. What a node has (connections) and
// what the pages of one code do (checks) is counted on this node; what a person, address or
// pool does is counted over all nodes.
type limits struct {
	Limits
	open       atomic.Int64 // connections that wait
	perAddress *counter[string]
	watchers   *counter[session.ID] // of a code, without proof of being its browser
	checks     *ratelimit.Memory
	shared     *ratelimit.Batcher
}

func newLimits(l Limits, counts ratelimit.Store, log *slog.Logger) *limits {
	return &limits{
		Limits: l, perAddress: newCounter[string](l.SocketsPerAddress), watchers: newCounter[session.ID](l.WatchersPerCode),
		checks: ratelimit.NewMemory(), shared: ratelimit.NewBatcher(counts, log),
	}
}

// AcquireConnection counts a connection that waits (a socket, an event stream, a check with
// wait) from an address, until ReleaseConnection. The error is TooMany.
func (s *Service) AcquireConnection(ip string) error {
	l := s.limits
	if l.open.Add(1) > int64(l.Sockets) {
		l.open.Add(-1)
		return TooMany{}
	}
	if !l.perAddress.acquire(ipaddr.Address(ip)) {
		l.open.Add(-1)
		return TooMany{}
	}
	return nil
}

// ReleaseConnection ends what AcquireConnection began.
func (s *Service) ReleaseConnection(ip string) {
	s.limits.open.Add(-1)
	s.limits.perAddress.release(ipaddr.Address(ip))
}

// AcquireWatcher counts a watcher of a code that did not prove to be its browser, until
// ReleaseWatcher. The browser is not counted, so it can watch its code however many others
// have seen the picture. The error is TooMany.
func (s *Service) AcquireWatcher(id session.ID, r Rights) error {
	if !r.IsBrowser && !s.limits.watchers.acquire(id) {
		return TooMany{}
	}
	return nil
}

// ReleaseWatcher ends what AcquireWatcher began, with the same arguments.
func (s *Service) ReleaseWatcher(id session.ID, r Rights) {
	if !r.IsBrowser {
		s.limits.watchers.release(id)
	}
}
