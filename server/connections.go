package server

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/loglimit"
)

// Of the files that a process may open, a part is kept for what is not a client's
// connection: Redis (32 connections for each of its nodes), the ops listener,
// outgoing calls (32 for each host), the audit trail. It is a twentieth, at
// least 256, and at most half.
const (
	reservedPart    = 20
	reservedAtLeast = 256
)

// connectionsFor is how many connections of clients a process takes that may
// open so many files.
func connectionsFor(files int) int {
	return files - min(max(files/reservedPart, reservedAtLeast), files/2)
}

// perAddressFactor is how many connections one address may have open for each
// that may wait (Limits.SocketsPerAddress): browsers of an office keep further
// ones, from which the page was loaded.
const perAddressFactor = 2

// exhaustedFor is how long a node says that it is exhausted after it refused a
// connection: longer than the time between two health checks, as a rule.
const exhaustedFor = 10 * time.Second

// connections counts the connections of a listener from accept until they are
// closed, in total and by address. When there are as many as may be, it closes
// one that is idle between two requests; if there is none, it closes the new one.
type connections struct {
	most       int
	perAddress int
	trusted    proxies // all connections of their clients are theirs
	log        *loglimit.Logger
	refusedAt  atomic.Int64 // Unix time in ns, of the last that was refused for the total or could not be accepted

	mu        sync.Mutex
	open      int
	byAddress map[string]int
	idle      list.List // of *counted, the longest idle first
}

func newConnections(most int, o Options, limits login.Limits) *connections {
	if most <= 0 {
		most = connectionsFor(openFilesLimit())
	}
	return &connections{
		most: most, perAddress: max(1, min(limits.SocketsPerAddress*perAddressFactor, most/2)), trusted: newProxies(o.TrustedProxies),
		log: loglimit.New(o.Log, 10*time.Second), byAddress: make(map[string]int),
	}
}

// counts returns how many connections are open, and how many may be.
func (all *connections) counts() (open, most int) {
	all.mu.Lock()
	defer all.mu.Unlock()
	return all.open, all.most
}

// exhausted reports whether new connections are, or were just now, refused.
func (all *connections) exhausted(now time.Time) bool {
	all.mu.Lock()
	full := all.open-all.idle.Len() >= all.most
	all.mu.Unlock()
	return full || now.Sub(time.Unix(0, all.refusedAt.Load())) < exhaustedFor
}

// countingListener is a listener whose connections are counted.
type countingListener struct {
	net.Listener
	all *connections
}

// Accept returns the next connection that is not refused.
func (l countingListener) Accept() (net.Conn, error) {
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

// take counts a new connection; nil if it is refused.
func (all *connections) take(conn net.Conn) *counted {
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

// keyOf is by what a connection is counted beside the total, "" if by nothing.
func (all *connections) keyOf(remote net.Addr) string {
	tcp, ok := remote.(*net.TCPAddr)
	if !ok {
		return ""
	}
	addr := ipaddr.Plain(tcp.AddrPort().Addr())
	if all.trusted.contain(addr) {
		return ""
	}
	return ipaddr.Address(addr.String())
}

// drop counts a connection out, once; all.mu is held.
func (all *connections) drop(c *counted) {
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

// state is http.Server's ConnState: it says which connections are idle.
func (all *connections) state(conn net.Conn, st http.ConnState) {
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

// counted is a connection that is counted until it is closed, also after it was
// hijacked.
type counted struct {
	net.Conn
	all *connections
	key string // of the address; "": a trusted proxy's, or none

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

// CloseWrite is asked for by http.Server, which so has a client read the answer to a
// request that it did not read to the end.
func (c *counted) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}
