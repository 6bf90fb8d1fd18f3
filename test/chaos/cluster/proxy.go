package cluster

import (
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Proxy forwards connections to a Redis server and injects network faults.
type Proxy struct {
	ln         net.Listener
	target     string
	goroutines sync.WaitGroup

	mu          sync.Mutex
	running     chan struct{} // closed unless frozen
	delay       time.Duration // maximal delay of each chunk, in both directions
	truncations int           // how many replies are still to be truncated
	closing     bool
	connections map[*proxied]struct{}
}

// proxied is a client's connection with its connection to Redis.
type proxied struct {
	client, server net.Conn
	silent         bool // discards all data from now on
}

func (c *proxied) close() {
	c.client.Close()
	c.server.Close()
}

func startProxy(target string) (*Proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{ln: ln, target: target, running: make(chan struct{}), connections: make(map[*proxied]struct{})}
	close(p.running)
	p.goroutines.Go(p.serve)
	return p, nil
}

func (p *Proxy) port() int { return p.ln.Addr().(*net.TCPAddr).Port }

// Freeze delays all data until Resume.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running = make(chan struct{})
}

// Resume forwards the data that Freeze delayed.
func (p *Proxy) Resume() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.running:
	default:
		close(p.running)
	}
}

// Blackhole makes all current connections discard their data without closing, as a
// firewall does that has lost its state.
func (p *Proxy) Blackhole() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.connections {
		c.silent = true
	}
}

// Cut closes all current connections.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.connections {
		c.close()
	}
}

// Truncate forwards only the first half of each of the next n replies, and closes
// the connection after it.
func (p *Proxy) Truncate(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.truncations = n
}

// Delay delays each chunk in both directions by a random time up to d, so that data
// on different connections is reordered. 0 ends the delay.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

func (p *Proxy) serve() {
	for {
		near, err := p.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			p.goroutines.Go(func() { p.connect(near) })
		}
	}
}

func (p *Proxy) connect(near net.Conn) {
	p.awaitResume()
	far, err := net.DialTimeout("tcp", p.target, time.Second)
	if err != nil {
		near.Close()
		return
	}
	c := &proxied{client: near, server: far}
	p.mu.Lock()
	p.connections[c] = struct{}{}
	if p.closing {
		c.close()
	}
	p.mu.Unlock()
	p.goroutines.Go(func() { p.copy(c, far, near, false) })
	p.copy(c, near, far, true)
	p.mu.Lock()
	delete(p.connections, c)
	p.mu.Unlock()
}

// copy forwards data in one direction until one of the connections ends.
func (p *Proxy) copy(c *proxied, to, from net.Conn, answers bool) {
	defer c.close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if most := p.awaitResume(); most > 0 {
			time.Sleep(rand.N(most))
		}
		pass, last := p.filter(c, buf[:n], answers)
		if _, err := to.Write(pass); err != nil || last {
			return
		}
	}
}

// awaitResume waits while the proxy is frozen, and returns the current delay.
func (p *Proxy) awaitResume() time.Duration {
	for {
		p.mu.Lock()
		thawed, delay := p.running, p.delay
		p.mu.Unlock()
		select {
		case <-thawed:
			return delay
		default:
			<-thawed
		}
	}
}

// filter returns the part of a chunk to forward, and whether to close the
// connection after it.
func (p *Proxy) filter(c *proxied, piece []byte, answers bool) (pass []byte, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case c.silent:
		return nil, false
	case answers && p.truncations > 0:
		p.truncations--
		return piece[:len(piece)/2], true
	}
	return piece, false
}

func (p *Proxy) close() {
	p.ln.Close()
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	p.Resume()
	p.Cut()
	p.goroutines.Wait()
}
