package wsconn

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"
)

// transport is the net.Conn below the WebSocket library. It brings the library's reader
// back when no bytes are there, so that an idle connection needs no goroutine.
//
// A goroutine inside the library's Reader holds a stack of 4 KB or more; a connection in
// the [poller] holds none. So the reader may enter the library only when bytes are there,
// and has to return when they are used up. The library does not return by itself: after a
// ping or a pong it waits for a message. But it returns an error from Read unchanged,
// and stays usable as long as it holds no part of a frame. Read returns errWouldBlock
// when that is certain: before the first byte, and after a ping or a pong with
// nothing behind it in the buffer. After a message it is not certain, so the reader stays
// inside until the next pong, normally within 25 s.
//
// The rest of a frame is awaited inside the library. So are all bytes of connections that
// are not the operating system's own (TLS, a pipe in a test), and on systems other than
// Linux.
type transport struct {
	net.Conn
	raw        syscall.RawConn // nil: the poller cannot wait for it
	group      *Group
	prefetched *bytes.Reader // bytes that the client sent before the response; nil: none
	buffer     *bufio.Reader // the library's

	atBoundary atomic.Bool // the library holds whole frames only, and none that it has not read
	closeSent  atomic.Bool // a close frame was sent; nothing may follow

	polled, closed bool // guarded by poller.mu: it is in the epoll set; it is closed

	// Of the goroutine that reads; each passes them on to the next.
	received  received
	inMessage bool // the rest of a message is read; else the reader waits for the next one
}

// received counts what was received in the current second.
type received struct {
	second          int64 // Unix time
	reads, messages int32
}

// startSecond resets the counts if a new second has begun.
func (r *received) startSecond() {
	if now := time.Now().Unix(); now != r.second {
		*r = received{second: now}
	}
}

// maxReads limits the reads of a connection per second, against floods of pings, pongs and empty
// frames, which the library handles without returning; one read returns only a few of them. The
// largest message needs about ten reads, and a browser causes one in 25 s between messages.
const maxReads = 300

// errTooManyReads is returned by Read above maxReads.
var errTooManyReads = errors.New("too many frames")

// errWouldBlock is what Read returns instead of waiting. Bytes may have arrived since.
var errWouldBlock = errors.New("no bytes to read")

// Sizes of the library's buffers. A browser's pong fits into the reader's, and each control
// frame into the writer's: the library writes no others.
const (
	readBufferSize  = 16
	writeBufferSize = 2 + 125
)

// hijacker gives the library transport in place of the request's connection.
type hijacker struct {
	http.ResponseWriter
	transport *transport
}

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	t := h.transport
	t.Conn = conn
	if n := rw.Reader.Buffered(); n > 0 {
		text := make([]byte, n)
		_, _ = io.ReadFull(rw, text) // they are there
		t.prefetched = bytes.NewReader(text)
	}
	if c, ok := conn.(Unwrapper); ok {
		conn = c.Unwrap()
	}
	switch conn := conn.(type) { // other types may have buffers of their own
	case *net.TCPConn:
		t.raw, _ = conn.SyscallConn() // does not fail while the connection is open
	case *net.UnixConn:
		t.raw, _ = conn.SyscallConn()
	}
	t.buffer = bufio.NewReaderSize(t, readBufferSize)
	t.atBoundary.Store(t.prefetched == nil)
	return t, bufio.NewReadWriter(t.buffer, bufio.NewWriterSize(t, writeBufferSize)), nil
}

// controlFrameRead is called when the library has read a ping or a pong, by the goroutine
// that reads.
func (t *transport) controlFrameRead() {
	t.atBoundary.Store(t.buffer.Buffered() == 0 && t.prefetched == nil)
}

// blockNextRead makes the library's next Read wait for bytes if there are none.
func (t *transport) blockNextRead() { t.atBoundary.Store(false) }

// isIdle reports whether the next bytes can be awaited in the poller, unless a message is being
// read.
func (t *transport) isIdle() bool { return t.raw != nil && t.atBoundary.Load() }

// Read implements net.Conn, for the library.
func (t *transport) Read(p []byte) (int, error) {
	if t.prefetched != nil {
		n, err := t.prefetched.Read(p)
		if t.prefetched.Len() == 0 {
			t.prefetched = nil
		}
		return n, err
	}
	if t.isIdle() && !t.inMessage {
		return 0, errWouldBlock
	}
	t.blockNextRead()
	t.received.startSecond()
	if t.received.reads++; t.received.reads > maxReads {
		return 0, errTooManyReads
	}
	return t.Conn.Read(p)
}

// Write implements net.Conn, for the library, which writes only control frames, each with
// one Write. Nothing is written after a close frame. The library echoes a peer's close frame
// without checking that the reason is UTF-8; if it is not, Write sends 1007 without a
// reason instead (RFC 6455, 8.1).
func (t *transport) Write(p []byte) (int, error) {
	frame := p
	if p[0] == closeByte {
		if t.closeSent.Swap(true) {
			return len(p), nil
		}
		if len(p) > 4 && !utf8.Valid(p[4:]) {
			frame = notUTF8Frame
		}
	} else if t.closeSent.Load() {
		return len(p), nil
	}
	if err := t.writeFrames(frame); err != nil {
		return 0, err
	}
	return len(p), nil
}

// writeFrames writes whole frames with one Write. The peer has writeTimeout to take them.
func (t *transport) writeFrames(frames []byte) error {
	_ = t.Conn.SetWriteDeadline(time.Now().Add(writeTimeout)) // an error: closed, as Write will say
	_, err := t.Conn.Write(frames)
	return err
}

// Close implements net.Conn. If the connection waits in the poller, a goroutine reads
// it, and so learns that it is closed.
func (t *transport) Close() error {
	waiting := t.group.poller.forget(t)
	err := t.Conn.Close()
	if waiting != nil {
		go waiting.resume()
	}
	return err
}
