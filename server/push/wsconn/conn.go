package wsconn

import (
	"context"
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"
)

// Timeouts of a peer.
const (
	// writeTimeout is how long a peer may take no bytes: as long as it may leave a ping
	// unanswered.
	writeTimeout = pongTimeout * time.Second
	// closeTimeout is how long the peer's close frame is awaited. The library waits as
	// long for the beginning of each frame, but without end for the rest of one.
	closeTimeout = 5 * time.Second
)

// Conn is one WebSocket connection. Make it with [Group.Accept], then call Serve or
// Refuse.
type Conn struct {
	transport transport
	ws        *websocket.Conn // over transport
	handler   Handler

	writing sync.Mutex  // held while a message or a ping is written
	pongDue atomic.Bool // the peer has not answered the last ping
	bucket  int8        // of the heartbeat; set by Group.Add
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

// Serve reads what the peer sends until the connection is closed. It returns when the
// connection is idle; reading continues in another goroutine when bytes arrive.
func (c *Conn) Serve() {
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
			c.end(&CloseFrame{StatusPolicyViolation, "too many frames"})
			return
		case err != nil:
			c.end(nil)
			return
		}
		if f := c.receive(kind, text); f != nil {
			c.end(f)
			return
		}
	}
}

// Refuse closes a connection that is not served, with a close handshake. Closed is
// called before it returns.
func (c *Conn) Refuse(f *CloseFrame) { c.end(f) }

// resume continues to read after a wait in the poller.
func (c *Conn) resume() {
	c.transport.blockNextRead()
	c.Serve()
}

// readMessage returns the next message, or errWouldBlock when no bytes are there.
func (c *Conn) readMessage() (websocket.MessageType, []byte, error) {
	t := &c.transport
	t.phase.CompareAndSwap(inMessage, betweenMessages)
	kind, r, err := c.ws.Reader(context.Background())
	if err != nil {
		return 0, nil, err
	}
	t.phase.CompareAndSwap(betweenMessages, inMessage)
	text, err := io.ReadAll(r)
	return kind, text, err
}

// receive passes a message to the handler. It returns the close frame for a peer that
// violates the rules.
func (c *Conn) receive(kind websocket.MessageType, text []byte) *CloseFrame {
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

// end closes the connection, with a close handshake if f is not nil.
func (c *Conn) end(f *CloseFrame) {
	if f != nil {
		c.Close(f)
	}
	_ = c.ws.CloseNow()
	c.transport.group.remove(c)
	c.handler.Closed()
}

// Close sends a close frame and waits for the peer's, for closeTimeout. After it, what
// reads the connection calls Closed.
func (c *Conn) Close(f *CloseFrame) {
	if c.transport.phase.Swap(closing) != closing {
		_ = c.transport.SetReadDeadline(time.Now().Add(closeTimeout)) // an error: closed, as the library finds out
	}
	_ = c.ws.Close(websocket.StatusCode(f.Code), f.Reason) // an error: the peer has gone
}

// Abort closes the connection without a close frame. Unlike the library's CloseNow, it
// does not wait for a close handshake that is under way.
func (c *Conn) Abort() { _ = c.transport.Close() }

// WriteText writes a text message. The peer has writeTimeout to take it. (A context with a
// deadline would cost a timer.)
func (c *Conn) WriteText(text []byte) error {
	c.lockWrites()
	defer c.unlockWrites()
	return c.ws.Write(context.Background(), websocket.MessageText, text)
}

// lockWrites waits until no message or ping is being written. The library's own pongs
// and close frames need no lock: each is one Write.
func (c *Conn) lockWrites() {
	c.writing.Lock()
	_ = c.transport.SetWriteDeadline(time.Now().Add(writeTimeout)) // an error: closed, as Write will say
}

func (c *Conn) unlockWrites() {
	_ = c.transport.SetWriteDeadline(time.Time{})
	c.writing.Unlock()
}

// ping sends a ping and does not wait for the answer: the library's Ping does, with a
// context and a timer for each.
func (c *Conn) ping() {
	if c.transport.phase.Load() == closing {
		return
	}
	c.lockWrites()
	defer c.unlockWrites()
	c.pongDue.Store(true)
	if _, err := c.transport.Conn.Write(pingFrame); err != nil {
		c.Abort() // half of it may have been sent
	}
}
