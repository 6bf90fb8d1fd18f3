package cluster

import (
	"errors"
	"math/rand/v2"
	"net"
	"sync"
	"time"
)

// Proxy stands between the nodes and a Redis server, and does to their
// connections what networks do.
type Proxy struct {
	ln     net.Listener
	target string
	copies sync.WaitGroup

	mu      sync.Mutex
	thawed  chan struct{} // closed unless frozen
	delay   time.Duration // of each piece, both ways: at most
	halves  int           // how many answers are still to be cut in half
	closing bool
	pipes   map[*pipe]struct{}
}

// pipe is one connection and its continuation to Redis.
type pipe struct {
	near, far net.Conn
	silent    bool // swallows everything, for ever
}

func (c *pipe) close() {
	c.near.Close()
	c.far.Close()
}

func startProxy(target string) (*Proxy, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{ln: ln, target: target, thawed: make(chan struct{}), pipes: make(map[*pipe]struct{})}
	close(p.thawed)
	p.copies.Go(p.serve)
	return p, nil
}

func (p *Proxy) port() int { return p.ln.Addr().(*net.TCPAddr).Port }

// Freeze holds everything back until Thaw, which lets it go on.
func (p *Proxy) Freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.thawed = make(chan struct{})
}

// Thaw ends what Freeze began.
func (p *Proxy) Thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.thawed:
	default:
		close(p.thawed)
	}
}

// Silence makes the connections of the moment swallow what they get, for ever
// and without a word, as a firewall does that forgot them.
func (p *Proxy) Silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pipes {
		c.silent = true
	}
}

// Cut closes the connections of the moment.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.pipes {
		c.close()
	}
}

// CutInHalf lets only the first half of each of the next n answers through, and
// then closes the connection.
func (p *Proxy) CutInHalf(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halves = n
}

// Delay holds up each piece, both ways, for a random time up to d; so what goes
// over several connections overtakes each other. 0 is none.
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
			p.copies.Go(func() { p.connect(near) })
		}
	}
}

func (p *Proxy) connect(near net.Conn) {
	p.hold()
	far, err := net.DialTimeout("tcp", p.target, time.Second)
	if err != nil {
		near.Close()
		return
	}
	c := &pipe{near: near, far: far}
	p.mu.Lock()
	p.pipes[c] = struct{}{}
	if p.closing {
		c.close()
	}
	p.mu.Unlock()
	p.copies.Go(func() { p.copy(c, far, near, false) })
	p.copy(c, near, far, true)
	p.mu.Lock()
	delete(p.pipes, c)
	p.mu.Unlock()
}

// copy passes on what comes from from, as long as both ends live.
func (p *Proxy) copy(c *pipe, to, from net.Conn, answers bool) {
	defer c.close()
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		if most := p.hold(); most > 0 {
			time.Sleep(rand.N(most))
		}
		pass, last := p.treat(c, buf[:n], answers)
		if _, err := to.Write(pass); err != nil || last {
			return
		}
	}
}

// hold waits while the proxy is frozen, and returns the longest delay of the moment.
func (p *Proxy) hold() time.Duration {
	for {
		p.mu.Lock()
		thawed, delay := p.thawed, p.delay
		p.mu.Unlock()
		select {
		case <-thawed:
			return delay
		default:
			<-thawed
		}
	}
}

// treat returns what of piece is to be passed on, and whether that is the last.
func (p *Proxy) treat(c *pipe, piece []byte, answers bool) (pass []byte, last bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case c.silent:
		return nil, false
	case answers && p.halves > 0:
		p.halves--
		return piece[:len(piece)/2], true
	}
	return piece, false
}

func (p *Proxy) close() {
	p.ln.Close()
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	p.Thaw()
	p.Cut()
	p.copies.Wait()
}
