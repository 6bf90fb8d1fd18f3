package wsconn

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// writeTimeout is how long a peer may take no bytes: as long as it may leave a ping
// unanswered.
const writeTimeout = pongTimeout * time.Second

// A peer that floods has drainTime to read the close frame, and is read at 400 KB a second
// meanwhile.
const (
	drainTime  = time.Second
	drainPause = 10 * time.Millisecond
)

// Conn is one WebSocket connection. Make it with [Group.Accept], then call Start or
// Refuse.
type Conn struct {
	transport transport
	ws        *websocket.Conn // over transport
	handler   Handler

	writing  sync.Mutex   // held while a message, a ping or our close frame is written
	pongDue  atomic.Bool  // the peer has not answered the last ping
	closedAt atomic.Int64 // Unix time in ns when our close frame was sent; 0: not yet
	bucket   int8         // of the heartbeat; guarded by Group.mu
}

// Accept upgrades a request to a WebSocket connection. It does not check the request's
// origin. If there is an error, the client has been answered.
func (g *Group) Accept(rw http.ResponseWriter, r *http.Request, h Handler) (*Conn, error) {
	c := &Conn{handler: h, transport: transport{group: g}} // must not refer to the request, which has kilobytes
	ws, err := websocket.Accept(hijacker{rw, &c.transport}, r, &websocket.AcceptOptions{
		Subprotocols:       []string{g.options.Subprotocol},
		InsecureSkipVerify: true, // the caller has checked the origin
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived:     func(context.Context, []byte) bool { c.transport.controlFrameRead(); return true },
		OnPongReceived:     func(context.Context, []byte) { c.pongDue.Store(false); c.transport.controlFrameRead() },
	})
	if err != nil {
		return nil, err
	}
	ws.SetReadLimit(g.options.MaxMessage)
	c.ws = ws
	return c, nil
}

// Start has what the peer sends read until the connection is closed, and returns at once. There is
// a goroutine for that while there are bytes to read.
func (c *Conn) Start() {
	if !c.transport.isIdle() || !c.transport.group.poller.wait(c) {
		go c.serve()
	}
}

// serve reads what the peer sends until the connection is closed. It returns when the
// connection is idle; reading continues in another goroutine when bytes arrive.
func (c *Conn) serve() {
	for {
		kind, text, err := c.readMessage()
		switch {
		case errors.Is(err, errWouldBlock):
			if c.transport.group.poller.wait(c) {
				return
			}
			c.transport.blockNextRead()
			continue
		case errors.Is(err, errTooManyReads):
			c.Close(&CloseFrame{StatusPolicyViolation, "too many frames"})
			c.drain()
			c.end()
			return
		case err != nil:
			c.end()
			return
		}
		if f := c.receive(kind, text); f != nil {
			c.Close(f) // the library reads the peer's close frame
		}
	}
}

// Refuse closes a connection that is not served, as Close does. It may return before the
// connection is closed.
func (c *Conn) Refuse(f *CloseFrame) {
	c.Close(f)
	c.serve()
}

// resume continues to read after a wait in the poller.
func (c *Conn) resume() {
	c.transport.blockNextRead()
	c.serve()
}

// readMessage returns the next message, or errWouldBlock when no bytes are there.
func (c *Conn) readMessage() (websocket.MessageType, []byte, error) {
	t := &c.transport
	t.inMessage = false
	kind, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return 0, nil, err
	}
	t.inMessage = true
	text, err := io.ReadAll(r)
	return kind, text, err
}

// receive passes a message to the handler, unless a close frame was sent. It returns the
// close frame for a peer that violates the rules.
func (c *Conn) receive(kind websocket.MessageType, text []byte) *CloseFrame {
	if c.transport.closeSent.Load() {
		return nil
	}
	received := &c.transport.received
	received.startSecond()
	received.messages++
	switch {
	case int(received.messages) > c.transport.group.options.MaxMessageRate:
		return &CloseFrame{StatusPolicyViolation, "too many messages"}
	case kind != websocket.MessageText:
		return &CloseFrame{StatusPolicyViolation, "text messages only"}
	case !utf8.Valid(text):
		return &CloseFrame{StatusInvalidPayload, "not UTF-8"}
	}
	return c.handler.Message(text)
}

// drain discards what a peer sends for drainTime, or until the connection is closed. It is for
// a peer whose frames are not read any more: to close a connection with unread bytes resets
// it, and the peer may not get the close frame.
func (c *Conn) drain() {
	_ = c.transport.Conn.SetReadDeadline(time.Now().Add(drainTime)) // an error: closed, as Read will say
	discarded := make([]byte, 4<<10)
	for {
		if _, err := c.transport.Conn.Read(discarded); err != nil {
			return
		}
		time.Sleep(drainPause)
	}
}

// end closes the connection, and tells the handler.
func (c *Conn) end() {
	_ = c.ws.CloseNow()
	c.transport.group.remove(c)
	c.handler.Closed()
}

// Close sends a close frame, after which nothing is sent. It does not wait for the peer's:
// when that arrives, or closeTimeout has passed, what reads the connection closes it and
// calls Closed. A second close frame is not sent.
func (c *Conn) Close(f *CloseFrame) { _ = c.writeLast(f.append(nil)) }

// WriteLast writes a text message and a close frame at once; see WriteText and Close. The peer's
// answer is collected with that of others, so that an idle connection wakes nothing.
func (c *Conn) WriteLast(text []byte, f *CloseFrame) error {
	if g := c.transport.group; g.poller.take(c) {
		defer g.collector.add(c)
	}
	return c.writeLast(f.append(appendText(make([]byte, 0, len(text)+maxHeader+maxReason+4), text)))
}

// writeLast writes frames that end with a close frame.
func (c *Conn) writeLast(frames []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.transport.closeSent.Swap(true) {
		return net.ErrClosed
	}
	c.transport.group.awaitClose(c)
	err := c.transport.writeFrames(frames)
	if err != nil {
		c.Abort()
	}
	return err
}

// Abort closes the connection without a close frame. Unlike the library's CloseNow, it
// does not wait for what is under way.
func (c *Conn) Abort() { _ = c.transport.Close() }

// WriteText writes a text message. The peer has writeTimeout to take it. (A context with a
// deadline would cost a timer.) After a close frame the error is net.ErrClosed.
func (c *Conn) WriteText(text []byte) error {
	return c.write(appendText(make([]byte, 0, len(text)+maxHeader), text))
}

// write writes whole frames, unless a close frame was sent. Frames of the library's need no
// lock: each is one Write.
func (c *Conn) write(frames []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.transport.closeSent.Load() {
		return net.ErrClosed
	}
	return c.transport.writeFrames(frames)
}

// ping sends a ping and does not wait for the answer: the library's Ping does, with a
// context and a timer for each. If a close frame was sent closeTimeout ago, ping closes
// the connection instead.
func (c *Conn) ping() {
	if at := c.closedAt.Load(); at != 0 {
		if time.Since(time.Unix(0, at)) > (closeTimeout-1)*time.Second { // else it was in another bucket just now
			c.Abort()
		}
		return
	}
	c.pongDue.Store(true)
	if err := c.write(pingFrame); err != nil && !errors.Is(err, net.ErrClosed) {
		c.Abort() // half of it may have been sent
	}
}
