package wsconn

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"syscall"
	"time"
)

// collectTime is how long peers have to answer their last message before the answers are
// collected. A browser reports the end of the connection that much later, but has the message
// at once.
const collectTime = 50 * time.Millisecond

// collector reads what peers answer to their last message. It does so for all connections that
// end within collectTime together: to wake the process once for many answers costs less than to
// wake it for each. The zero value is ready.
type collector struct {
	mu     sync.Mutex
	ending []*Conn // not empty: collect will be called
}

// add has the answer of a connection collected, which waits in no poller and is read by nothing.
func (all *collector) add(c *Conn) {
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.ending = append(all.ending, c); len(all.ending) == 1 {
		time.AfterFunc(collectTime, all.collect)
	}
}

// collect closes the connections whose peers have answered. The others wait in the poller.
func (all *collector) collect() {
	all.mu.Lock()
	ending := all.ending
	all.ending = nil
	all.mu.Unlock()
	answer := make([]byte, header+maxControl)
	for _, c := range ending {
		n, err := c.transport.readNow(answer)
		switch {
		case err == nil && !isClose(answer[:n]): // and what follows it
			c.transport.prefetched = bytes.NewReader(bytes.Clone(answer[:n]))
			go c.resume()
		case errors.Is(err, errWouldBlock):
			if !c.transport.group.poller.wait(c) {
				go c.resume()
			}
		default:
			c.end()
		}
	}
}

// Sizes of a peer's control frame: the header with its mask, and the payload (RFC 6455, 5.2, 5.5).
const (
	header     = 2 + 4
	maxControl = 125
)

// isClose reports whether bytes of a peer are one close frame.
func isClose(frame []byte) bool {
	return len(frame) >= header && frame[0] == closeByte && len(frame) == header+int(frame[1]&0x7f)
}

// readNow reads what has arrived, or returns errWouldBlock.
func (t *transport) readNow(p []byte) (n int, err error) {
	failed := t.raw.Read(func(fd uintptr) bool {
		n, err = syscall.Read(int(fd), p) // #nosec G115 -- a file descriptor
		return true
	})
	switch {
	case failed != nil:
		return 0, failed // it is closed
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		return 0, errWouldBlock
	case err == nil && n == 0:
		return 0, io.EOF
	}
	return n, err
}
