package redisstore_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// proxy is a TCP proxy in front of Redis. It can drop all data of its open connections
// without closing them, as a firewall that lost its state does.
type proxy struct {
	net.Listener
	target string
	copies sync.WaitGroup

	mu    sync.Mutex
	pipes []*pipe
}

// pipe is one client connection and its connection to Redis.
type pipe struct {
	ends   [2]net.Conn
	silent atomic.Bool
}

func startProxy(t testing.TB, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: l, target: target}
	p.copies.Go(p.serve)
	t.Cleanup(p.end)
	return p
}

func (p *proxy) addr() string { return p.Addr().String() }

// silence drops all further data of the connections that are open now.
func (p *proxy) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.pipes {
		c.silent.Store(true)
	}
}

func (p *proxy) serve() {
	for {
		near, err := p.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			near.Close()
			continue
		}
		c := &pipe{ends: [2]net.Conn{near, far}}
		p.mu.Lock()
		p.pipes = append(p.pipes, c)
		p.mu.Unlock()
		p.copies.Go(func() { c.copy(near, far) })
		p.copies.Go(func() { c.copy(far, near) })
	}
}

func (c *pipe) copy(to io.WriteCloser, from io.Reader) {
	defer to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if !c.silent.Load() {
			to.Write(buf[:n])
		}
	}
}

func (p *proxy) end() {
	p.Close()
	p.mu.Lock()
	for _, c := range p.pipes {
		c.ends[0].Close()
		c.ends[1].Close()
	}
	p.mu.Unlock()
	p.copies.Wait()
}
