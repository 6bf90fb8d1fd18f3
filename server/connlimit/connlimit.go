// Package connlimit limits how many connections of clients a listener has open, in total
// and by address.
//
// It guarantees that a process keeps file descriptors for its other uses, that one address
// cannot have more than half of the connections, and that each connection is counted from
// accept until it is closed, also after it was hijacked.
package connlimit

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/internal/loglimit"
)

// File descriptors that are reserved for other uses than connections of clients: Redis (32
// connections per node), the ops listener, outgoing calls (32 per host), the audit trail.
// They are a twentieth, at least 256, and at most half.
const (
	reservedPart    = 20
	reservedAtLeast = 256
)

// connectionsFor returns how many connections of clients a process accepts that may open
// so many files.
func connectionsFor(files int) int {
	return files - min(max(files/reservedPart, reservedAtLeast), files/2)
}

// exhaustedFor is how long Exhausted is true after a connection was refused: usually longer
// than the time between two health checks.
const exhaustedFor = 10 * time.Second

// Limiter counts the connections of a listener. When the total is reached, it closes the
// connection that has been idle between two requests for longest; if none is idle, it
// closes the new one.
type Limiter struct {
	most       int
	perAddress int
	key        func(netip.Addr) string
	log        *loglimit.Logger
	refusedAt  atomic.Int64 // Unix time in ns when a connection was last refused for the total, or not accepted

	mu        sync.Mutex
	open      int
	byAddress map[string]int
	idle      list.List // of *counted, the longest idle first
}

// Options say how many connections may be open.
type Options struct {
	Max        int // in total; 0: as many as the limit of open files leaves
	PerAddress int // of one address; at most half of the total
	// Key returns the address as which a client's address is counted; "": it has no
	// limit of its own.
	Key func(netip.Addr) string
	Log *slog.Logger
}

// New makes a Limiter.
func New(o Options) *Limiter {
	if o.Max <= 0 {
		o.Max = connectionsFor(openFilesLimit())
	}
	return &Limiter{
		most: o.Max, perAddress: max(1, min(o.PerAddress, o.Max/2)), key: o.Key,
		log: loglimit.New(o.Log, 10*time.Second), byAddress: make(map[string]int),
	}
}

// Usage returns how many connections are open, and how many may be.
func (all *Limiter) Usage() (open, most int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.open, all.most
}

// Exhausted reports whether new connections are refused, or were in the last 10 s.
func (all *Limiter) Exhausted(now time.Time) bool {
	all.mu.Lock()
	full := all.open-all.idle.Len() >= all.most
	all.mu.Unlock()
	return full || now.Sub(time.Unix(0, all.refusedAt.Load())) < exhaustedFor
}

// Listen returns a listener whose connections are those of ln that are not refused.
func (all *Limiter) Listen(ln net.Listener) net.Listener { return listener{ln, all} }

type listener struct {
	net.Listener
	all *Limiter
}

// Accept returns the next connection that is not refused.
func (l listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				l.all.refusedAt.Store(time.Now().UnixNano())
				l.all.log.Log(context.Background(), slog.LevelWarn, "accept", "connection not accepted", "error", err)
			}
			return nil, err
		}
		if c := l.all.take(conn); c != nil {
			return c, nil
		}
		_ = conn.Close()
	}
}

// take counts a new connection. It returns nil if the connection is refused.
func (all *Limiter) take(conn net.Conn) *counted {
	key := all.keyOf(conn.RemoteAddr())
	all.mu.Lock()
	if key != "" && all.byAddress[key] >= all.perAddress {
		all.mu.Unlock()
		all.log.Log(context.Background(), slog.LevelWarn, "address", "connection refused: its address has too many", "address", key, "connections", all.perAddress)
		return nil
	}
	var idle *counted
	if all.open >= all.most {
		if longest := all.idle.Front(); longest != nil {
			idle = longest.Value.(*counted)
			all.drop(idle)
		}
	}
	if all.open >= all.most {
		all.mu.Unlock()
		all.refusedAt.Store(time.Now().UnixNano())
		all.log.Log(context.Background(), slog.LevelWarn, "total", "connection refused: too many are open", "connections", all.most)
		return nil
	}
	all.open++
	if key != "" {
		all.byAddress[key]++
	}
	all.mu.Unlock()
	if idle != nil {
		_ = idle.Conn.Close()
	}
	return &counted{Conn: conn, all: all, key: key}
}

// keyOf returns the address as which a connection is counted; "": only in the total.
func (all *Limiter) keyOf(remote net.Addr) string {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return ""
	}
	return all.key(tcp.AddrPort().Addr())
}

// drop no longer counts a connection; a second call does nothing. all.mu is held.
func (all *Limiter) drop(c *counted) {
	if c.dropped {
		return
	}
	c.dropped = true
	all.open--
	if c.idle != nil {
		all.idle.Remove(c.idle)
		c.idle = nil
	}
	if c.key != "" {
		if all.byAddress[c.key]--; all.byAddress[c.key] <= 0 {
			delete(all.byAddress, c.key)
		}
	}
}

// State is for [http.Server.ConnState]: it tells which connections are idle.
func (all *Limiter) State(conn net.Conn, st http.ConnState) {
	c, ok := conn.(*counted)
	if !ok {
		return
	}
	all.mu.Lock()
	defer all.mu.Unlock()
	switch {
	case st == http.StateIdle && !c.dropped && c.idle == nil:
		c.idle = all.idle.PushBack(c)
	case st != http.StateIdle && c.idle != nil:
		all.idle.Remove(c.idle)
		c.idle = nil
	}
}

// counted is a connection that is counted until it is closed.
type counted struct {
	net.Conn
	all *Limiter
	key string // the address as which it is counted; "": only in the total

	// Guarded by all.mu.
	idle    *list.Element // in all.idle, nil while a request is under way
	dropped bool
}

// Close implements net.Conn.
func (c *counted) Close() error {
	err := c.Conn.Close()
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	c.all.drop(c)
	return err
}

// Unwrap implements wsconn.Unwrapper.
func (c *counted) Unwrap() net.Conn { return c.Conn }

// CloseWrite lets http.Server close one direction, so that a client can read the answer to
// a request that the server did not read to its end.
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
