package server

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"golang.org/x/time/rate"

	"github.com/scanlogin/scanlogin/session"
)

// Limits say how much is enough, for one node. Zero means the default. The
// defaults leave an office of some hundred people behind one address in peace;
// what one caller may do without them is bounded by the files of a process.
type Limits struct {
	Sockets           int // connections that wait (WebSocket, event stream, check with wait)
	SocketsPerAddress int // … of one address
	WatchersPerCode   int // … of one code, without proof of being its browser
	CodesPerAddress   int // codes that one address may have open
	CodesPerPool      int // … one pool
	AddressRate       int // calls a second of one address that make or change something
	UserRate          int // the phone's calls a second of one user
	CheckRate         int // checks and pictures a second of one code
	MissRate          int // failures a second of one address: codes and tickets that are not, wrong secrets
}

// DefaultLimits are sized for a process that may open 20,000 files.
func DefaultLimits() Limits {
	return Limits{
		Sockets: 15_000, SocketsPerAddress: 2_000, WatchersPerCode: 8,
		CodesPerAddress: 1_000, CodesPerPool: 100_000,
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

// meter allows each key events at a rate. It forgets keys that were quiet for
// as long as it takes to have their whole burst again, two generations of
// maxKeys at most.
type meter struct {
	rate  rate.Limit
	burst int

	mu       sync.Mutex
	now, old map[string]*rate.Limiter
}

const maxKeys = 20_000

func newMeter(perSecond float64, burst int) *meter {
	return &meter{rate: rate.Limit(perSecond), burst: max(1, burst), now: make(map[string]*rate.Limiter)}
}

// allow counts one event of key, and reports whether it is within the rate.
func (m *meter) allow(key string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, ok := m.now[key]
	if !ok {
		if l, ok = m.old[key]; !ok {
			l = rate.NewLimiter(m.rate, m.burst)
		}
		if len(m.now) >= maxKeys {
			m.now, m.old = make(map[string]*rate.Limiter), m.now
		}
		m.now[key] = l
	}
	return l.Allow()
}

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

// gates are all limits of a server at work.
type gates struct {
	sockets    int
	open       atomic.Int64 // connections that wait
	perAddress *counter[string]
	codes      *meter // by address
	poolCodes  *meter
	calls      *meter // by address
	users      *meter
	checks     *meter // by code
	misses     *meter // by address
}

// codeWindow is the time within which a code is open, by which the allowance
// of open codes comes back: the default life of a code.
const codeWindow = 2 * time.Minute

func newGates(l Limits) *gates {
	perSecond := func(n int) *meter { return newMeter(float64(n), n*burst) }
	perWindow := func(n int) *meter { return newMeter(float64(n)/codeWindow.Seconds(), n) }
	return &gates{
		sockets: l.Sockets, perAddress: newCounter[string](l.SocketsPerAddress),
		codes: perWindow(l.CodesPerAddress), poolCodes: perWindow(l.CodesPerPool),
		calls: perSecond(l.AddressRate), users: perSecond(l.UserRate),
		checks: perSecond(l.CheckRate), misses: perSecond(l.MissRate),
	}
}

// enter takes a place for a connection that waits; leave gives it back.
func (g *gates) enter(address string) bool {
	if g.open.Add(1) > int64(g.sockets) {
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
	address := addressKey(c.RealIP())
	if !s.gates.enter(address) {
		return nil, errTooMany
	}
	return func() { s.gates.leave(address) }, nil
}

// missed counts a question about a code or a ticket that is not there, or with
// a wrong secret: who asks many is guessing.
func (s *Server) missed(c echo.Context, err error) error {
	switch p, _, _ := describe(err); p {
	case errNoCode, errInvalidCode, errTicket, errCredentials, errVerifier:
	default:
		return err
	}
	if !s.gates.misses.allow(addressKey(c.RealIP())) {
		return errTooMany
	}
	return err
}

// changes counts a call that makes or changes something. A back end calls for
// all of its users from one address; it is known by the pool's secret, and
// only its failures are counted (missed).
func (s *Server) changes(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		if id, secret, ok := c.Request().BasicAuth(); ok {
			if p := s.pools.ByID(id); p != nil && p.Secret.Matches(secret) {
				return next(c)
			}
		}
		if !s.gates.calls.allow(addressKey(c.RealIP())) {
			return errTooMany
		}
		return next(c)
	}
}

// addressKey is what is counted as one address: of IPv6 the /64 that one
// subscriber has.
func addressKey(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		return netip.PrefixFrom(addr, 64).Masked().String()
	}
	return addr.String()
}
