package server

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// wire is a socket's connection, made small for the time in which nothing
// happens, which is nearly all of its life. A goroutine inside websocket's Read
// holds a stack of 4 KB or more; a connection in the [poller] holds none. So the
// reader enters the library only when bytes are there, and must come out again
// when they are used up.
//
// The library does not come out by itself: after a ping or a pong it goes on
// waiting for a message. What brings it out is an error from below, errQuiet,
// which it passes up and is none the worse for, as long as it stands between
// two messages and has no part of a frame. When that is so is known: before the
// first byte, and whenever a ping or a pong was read with nothing behind it in
// the buffer. A message leaves it unknown, and so the reader inside, until the
// next pong, as a rule within 25 s.
//
// The bytes of half a frame are waited for inside the library; so is all where
// the connection is not one of the system's own (TLS, a test's pipe), or the
// system is not Linux.
type wire struct {
	net.Conn
	raw    syscall.RawConn // nil: the poller cannot wait for it
	poller *poller
	early  []byte        // what the client sent before it was answered
	buffer *bufio.Reader // the library's

	whole atomic.Bool  // the library has whole frames and nothing more, and has to come out
	phase atomic.Int32 // what is read: see below

	turn sync.Mutex  // whose it is to write: a message, or a ping
	owed atomic.Bool // the peer has not answered the last ping

	polled, ended bool // the poller's own: it knows the connection; that is closed

	// The reader's own, passed from one to the next.
	second int64 // of the last read, Unix time
	reads  int   // that were made in it

	unwritten int // bytes of the library's frame that are still to come; the library's writer's own
}

// What is read from a wire.
const (
	seeking int32 = iota // the reader looks for the next message
	inside               // the rest of a message
	parting              // the peer's close; the library reads by itself, and must not be disturbed
)

// maxReads is how often a connection is read in a second. The library answers pings, drops
// pongs and takes empty frames by itself, and would do nothing else for a peer that sends
// them without end; each read brings it some frames of that kind at most. A message of the
// largest size takes some ten reads, what a browser sends between two messages one in
// 25 s.
const maxReads = 300

// errFlood is what the library gets when a connection was read too often.
var errFlood = errors.New("too many frames")

// errQuiet is what the library gets instead of waiting; see wire. Something may
// have come meanwhile.
var errQuiet = errors.New("all that was read is used up")

// The library's buffers. A pong fits into the reader's, and a status message
// with nickname and photo into the writer's; what does not is two writes.
const (
	readerBytes = 16
	writerBytes = 320
)

// upgrade makes a WebSocket of a request. Where that is refused, the client has
// been answered.
func upgrade(rw http.ResponseWriter, r *http.Request, p *poller) (*websocket.Conn, *wire, error) {
	w := &wire{poller: p} // and nothing else of ours is held by the connection: a request has kilobytes
	conn, err := websocket.Accept(hijacker{rw, w}, r, &websocket.AcceptOptions{
		Subprotocols:       []string{subprotocol},
		InsecureSkipVerify: true, // newSocket has compared the origin with the pool's
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { w.took(); return true },
		OnPongReceived:     func(context.Context, []byte) { w.owed.Store(false); w.took() },
	})
	if err != nil {
		return nil, nil, err
	}
	conn.SetReadLimit(maxMessage)
	return conn, w, nil
}

// hijacker gives the library w in place of the request's connection.
type hijacker struct {
	http.ResponseWriter
	w *wire
}

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	w := h.w
	w.Conn = conn
	if n := rw.Reader.Buffered(); n > 0 {
		w.early = make([]byte, n)
		_, _ = io.ReadFull(rw, w.early) // they are there
	}
	if c, ok := conn.(*counted); ok {
		conn = c.Conn
	}
	switch conn := conn.(type) { // what merely contains one of these may have buffers of its own
	case *net.TCPConn:
		w.raw, _ = conn.SyscallConn() // fails for no open connection
	case *net.UnixConn:
		w.raw, _ = conn.SyscallConn()
	}
	w.buffer = bufio.NewReaderSize(w, readerBytes)
	w.whole.Store(len(w.early) == 0)
	return w, bufio.NewReadWriter(w.buffer, bufio.NewWriterSize(w, writerBytes)), nil
}

// took notes that the library has read a ping or a pong. It is called by
// whoever reads.
func (w *wire) took() { w.whole.Store(w.buffer.Buffered() == 0 && len(w.early) == 0) }

// Read implements net.Conn, for the library.
func (w *wire) Read(p []byte) (int, error) {
	if len(w.early) > 0 {
		n := copy(p, w.early)
		w.early = w.early[n:]
		return n, nil
	}
	if w.raw != nil && w.whole.Load() && w.phase.Load() == seeking {
		return 0, errQuiet
	}
	w.whole.Store(false)
	if now := time.Now().Unix(); now != w.second {
		w.second, w.reads = now, 0
	}
	if w.reads++; w.reads > maxReads {
		return 0, errFlood
	}
	return w.Conn.Read(p)
}

// Write implements net.Conn, for the library, which echoes a peer's close frame
// without a look at its reason: if that is not UTF-8, the answer is 1007 without a
// reason (RFC 6455, 8.1). Each frame begins with a Write, and a close frame is
// one.
func (w *wire) Write(p []byte) (int, error) {
	if w.unwritten == 0 {
		w.unwritten = frameSize(p)
		if len(p) > 4 && p[0] == closeFrame && !utf8.Valid(p[4:]) {
			w.unwritten = 0
			if _, err := w.Conn.Write(notUTF8Frame); err != nil {
				return 0, err
			}
			return len(p), nil
		}
	}
	w.unwritten = max(0, w.unwritten-len(p))
	return w.Conn.Write(p)
}

// closeFrame is the first byte of a close frame, and notUTF8Frame one with the code
// 1007 (RFC 6455, 5.5.1).
const closeFrame = 0x88

var notUTF8Frame = []byte{closeFrame, 2, 0x03, 0xef}

// frameSize is how many bytes a server's frame has that begins with p, in which
// its head is complete (RFC 6455, 5.2).
func frameSize(p []byte) int {
	switch {
	case len(p) >= 10 && p[1] == 127:
		return 10 + int(binary.BigEndian.Uint64(p[2:])) // #nosec G115 -- of our own
	case len(p) >= 4 && p[1] == 126:
		return 4 + int(binary.BigEndian.Uint16(p[2:]))
	case len(p) >= 2:
		return 2 + int(p[1])
	}
	return len(p)
}

// writeTime is how long a peer may take nothing: as long as it may stay silent
// (B.1). partTime is how long its farewell is waited for; the library waits as
// long for the beginning of each frame, but without end for the rest of one.
const (
	writeTime = 10 * time.Second
	partTime  = 5 * time.Second
)

// takeTurn waits for the turn to write, for writeTime; giveTurn gives it back.
// The library's own answers and farewells need none: each is one Write.
func (w *wire) takeTurn() {
	w.turn.Lock()
	_ = w.SetWriteDeadline(time.Now().Add(writeTime)) // an error: closed, as Write will say
}

func (w *wire) giveTurn() {
	_ = w.SetWriteDeadline(time.Time{})
	w.turn.Unlock()
}

// say writes one message within writeTime. A context with a deadline would cost
// a timer.
func (w *wire) say(conn *websocket.Conn, text []byte) error {
	w.takeTurn()
	defer w.giveTurn()
	return conn.Write(context.Background(), websocket.MessageText, text)
}

// pingFrame is a whole ping from a server, without a text (RFC 6455, 5.5.2).
var pingFrame = []byte{0x89, 0}

// ping sends a ping, for whose answer it does not wait: the library's Ping does,
// with a context and a timer for each.
func (w *wire) ping() {
	if w.phase.Load() == parting {
		return
	}
	w.takeTurn()
	defer w.giveTurn()
	w.owed.Store(true)
	if _, err := w.Conn.Write(pingFrame); err != nil {
		_ = w.Close() // half of it may have been sent
	}
}

// look has the library's next read wait for bytes, if there are none.
func (w *wire) look() { w.whole.Store(false) }

// Close implements net.Conn. A reader that waits in the poller comes back, too.
func (w *wire) Close() error {
	k := w.poller.forget(w)
	err := w.Conn.Close()
	if k != nil {
		go k.come()
	}
	return err
}

// message returns the next message, or errQuiet when it is time to come out.
func (w *wire) message(conn *websocket.Conn) (websocket.MessageType, []byte, error) {
	w.phase.CompareAndSwap(inside, seeking)
	kind, r, err := conn.Reader(context.Background())
	if err != nil {
		return 0, nil, err
	}
	w.phase.CompareAndSwap(seeking, inside)
	text, err := io.ReadAll(r)
	return kind, text, err
}

// part closes the connection with a farewell, and waits for the peer's.
func (w *wire) part(conn *websocket.Conn, bye *farewell) {
	if w.phase.Swap(parting) != parting {
		_ = w.SetReadDeadline(time.Now().Add(partTime)) // an error: closed, as Close will say
	}
	_ = conn.Close(bye.code, bye.reason) // a peer that is gone already needs none
}
