package wsconn

import (
	"bytes"
	"errors"
	"io"
	"syscall"
)

// The functions below read and write idle connections without waiting and without the library, which
// needs a goroutine for each, and its stack.

// Sizes of a peer's control frame: the header with its mask, and all of it (RFC 6455, 5.2, 5.5).
const (
	headerSize      = 2 + 4
	maxControlFrame = headerSize + 125
)

// isFrame reports whether bytes of a peer are one control frame that begins with first.
func isFrame(frame []byte, first byte) bool {
	const masked = 0x80
	return len(frame) >= headerSize && frame[0] == first && frame[1]&masked != 0 && len(frame) == headerSize+int(frame[1]&^masked)
}

// readPong reads what has arrived, if a pong is due, and reports whether it was that. The library reads
// anything else: the poller does this for all connections one after the other, so it must not read more of a
// peer that floods. frame has maxControlFrame bytes.
func (c *Conn) readPong(frame []byte) bool {
	if !c.pongDue.Load() {
		return false
	}
	n, err := c.transport.readNow(frame)
	switch {
	case err != nil:
		return false
	case !isFrame(frame[:n], pongByte):
		c.transport.putBack(frame[:n])
		return false
	}
	c.pongDue.Store(false)
	return true
}

// pingNow sends a ping, unless it would have to wait, or the connection is being closed.
func (c *Conn) pingNow() bool {
	t := &c.transport
	if t.raw == nil || !c.writing.TryLock() {
		return false
	}
	defer c.writing.Unlock()
	if t.closeSent.Load() {
		return false
	}
	c.pongDue.Store(true)
	n := 0
	_ = t.raw.Control(func(fd uintptr) { n, _ = syscall.Write(int(fd), pingFrame) }) // #nosec G115 -- a file descriptor; Write would wait for the library's
	if n == 1 {
		c.Abort() // half of it
	}
	return n > 0
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

// putBack has the library read bytes before what arrives next.
func (t *transport) putBack(read []byte) { t.prefetched = bytes.NewReader(bytes.Clone(read)) }
