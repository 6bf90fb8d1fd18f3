package server

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// poller is where sockets wait for bytes without a goroutine: in an epoll set
// (epoll(7)), which is itself a file that Go's runtime waits for. The zero value
// is ready; it opens the set when somebody waits.
type poller struct {
	mu      sync.Mutex
	set     *os.File          // nil: not open
	fd      int               // of set
	closed  bool              // for good
	done    chan struct{}     // closed when run has ended
	waiting map[int32]*socket // by the file descriptor of their connections
}

// open makes the set and lets run tell what comes.
func (p *poller) open() error {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return err
	}
	_ = syscall.SetNonblock(fd, true)           // else the runtime would not wait for it
	set := os.NewFile(uintptr(fd), "epoll set") // #nosec G115 -- a file descriptor
	raw, err := set.SyscallConn()
	if err == nil {
		err = set.SetDeadline(time.Time{}) // fails if the runtime does not wait for it
	}
	if err != nil {
		_ = set.Close()
		return err
	}
	p.set, p.fd, p.done, p.waiting = set, fd, make(chan struct{}), make(map[int32]*socket)
	go p.run(raw, p.done)
	return nil
}

// close ends the poller for good.
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

// run has the sockets read for which bytes have come, until the set is closed.
func (p *poller) run(set syscall.RawConn, done chan<- struct{}) {
	defer close(done)
	events := make([]syscall.EpollEvent, 128)
	_ = set.Read(func(fd uintptr) bool {
		for {
			n, err := syscall.EpollWait(int(fd), events, 0)
			if n <= 0 && err != syscall.EINTR || p.isClosed() {
				return false // wait until the set itself is readable
			}
			for _, event := range events[:max(n, 0)] {
				p.wake(event.Fd)
			}
		}
	})
}

func (p *poller) isClosed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// wake has whoever waits for fd read. An event may be about a closed connection
// whose number is another's by now: that one reads too early, and waits inside the
// library.
func (p *poller) wake(fd int32) {
	p.mu.Lock()
	k := p.waiting[fd]
	delete(p.waiting, fd)
	p.mu.Unlock()
	if k != nil {
		go k.come()
	}
}

// wait has k read, once, when something can be read from its connection or the
// connection is closed. False: that cannot be waited for here.
func (p *poller) wait(k *socket) (waits bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := k.wire
	if w.ended || p.closed || p.set == nil && p.open() != nil {
		return false
	}
	op := syscall.EPOLL_CTL_ADD
	if w.polled { // it leaves the set when it is closed, not before
		op = syscall.EPOLL_CTL_MOD
	}
	_ = w.raw.Control(func(fd uintptr) { // an error: it is closed
		at := int32(fd) // #nosec G115 -- a file descriptor
		event := syscall.EpollEvent{Events: syscall.EPOLLIN | syscall.EPOLLRDHUP | syscall.EPOLLONESHOT, Fd: at}
		if waits = syscall.EpollCtl(p.fd, op, int(fd), &event) == nil; waits {
			w.polled, p.waiting[at] = true, k
		}
	})
	return waits
}

// forget is called before w is closed. It returns who waits for it, and has to
// read then, or nil.
func (p *poller) forget(w *wire) (k *socket) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w.ended = true
	if w.polled {
		_ = w.raw.Control(func(fd uintptr) { // an error: it was closed before
			at := int32(fd) // #nosec G115 -- a file descriptor
			k = p.waiting[at]
			delete(p.waiting, at)
		})
	}
	return k
}
