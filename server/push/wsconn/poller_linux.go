package wsconn

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// poller waits for bytes on idle connections without a goroutine for each. It uses an
// epoll set (epoll(7)), which is itself a file that Go's runtime polls. The zero value is
// ready; the set is opened when the first connection waits.
type poller struct {
	mu      sync.Mutex
	set     *os.File        // nil: not open
	fd      int             // of set
	closed  bool            // for good
	done    chan struct{}   // closed when run has ended
	waiting map[int32]*Conn // by file descriptor
}

// open opens the set and starts run.
func (p *poller) open() error {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	_ = syscall.SetNonblock(fd, true)           // else the runtime does not poll it
	set := os.NewFile(uintptr(fd), "epoll set") // #nosec G115 -- a file descriptor
	raw, err := set.SyscallConn()
	if err == nil {
		err = set.SetDeadline(time.Time{}) // fails if the runtime does not poll it
	}
	if err != nil {
		_ = set.Close()
		return err
	}
	p.set, p.fd, p.done, p.waiting = set, fd, make(chan struct{}), make(map[int32]*Conn)
	go p.run(raw, p.done)
	return nil
}

// close closes the poller for good, and returns when run has ended.
func (p *poller) close() {
	p.mu.Lock()
	set, done := p.set, p.done
	p.set, p.closed = nil, true
	p.mu.Unlock()
	if set != nil {
		_ = set.Close()
		<-done
	}
}

// run wakes the connections for which bytes arrive, until the set is closed.
func (p *poller) run(set syscall.RawConn, done chan<- struct{}) {
	defer close(done)
	events, frame := make([]syscall.EpollEvent, 128), make([]byte, maxControlFrame)
	_ = set.Read(func(fd uintptr) bool {
		for {
			n, err := syscall.EpollWait(int(fd), events, 0)
			if n <= 0 && err != syscall.EINTR || p.isClosed() {
				return false // wait until the set itself is readable
			}
			for _, event := range events[:max(n, 0)] {
				p.wake(event.Fd, frame)
			}
		}
	})
}

func (p *poller) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// wake reads the connection that waits for fd: a pong at once, into frame, anything else in a goroutine. An
// event may be about a closed connection whose number belongs to another by now: that one is
// read too early, and waits inside the library.
func (p *poller) wake(fd int32, frame []byte) {
	p.mu.Lock()
	c := p.waiting[fd]
	delete(p.waiting, fd)
	p.mu.Unlock()
	if c != nil && !(c.readPong(frame) && p.wait(c)) {
		go c.resume()
	}
}

// wait has c read once, when bytes arrive or the connection is closed. It returns false
// if the poller cannot wait for this connection.
func (p *poller) wait(c *Conn) (waits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &c.transport
	if t.closed || p.closed || p.set == nil && p.open() != nil {
		return false
	}
	op := syscall.EPOLL_CTL_ADD
	if t.polled { // it leaves the set when it is closed, not before
		op = syscall.EPOLL_CTL_MOD
	}
	_ = t.raw.Control(func(fd uintptr) { // an error: it is closed
		at := int32(fd) // #nosec G115 -- a file descriptor
		event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: at}
		if waits = syscall.EpollCtl(p.fd, op, int(fd), &event) == nil; waits {
			t.polled, p.waiting[at] = true, c
		}
	})
	return waits
}

// take takes a connection that waits out of the poller, and reports whether it did. Then nothing
// reads it.
func (p *poller) take(c *Conn) (taken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t := &c.transport
	if !t.polled || t.closed {
		return false
	}
	_ = t.raw.Control(func(fd uintptr) { // an error: it was closed before
		at := int32(fd) // #nosec G115 -- a file descriptor
		if taken = p.waiting[at] == c; taken {
			delete(p.waiting, at)
			t.polled = syscall.EpollCtl(p.fd, syscall.EPOLL_CTL_DEL, int(fd), nil) != nil
		}
	})
	return taken
}

// forget is called before t is closed. It returns the connection if it waits, or nil;
// the caller has it read.
func (p *poller) forget(t *transport) (c *Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	t.closed = true
	if t.polled {
		_ = t.raw.Control(func(fd uintptr) { // an error: it was closed before
			at := int32(fd) // #nosec G115 -- a file descriptor
			c = p.waiting[at]
			delete(p.waiting, at)
		})
	}
	return c
}
