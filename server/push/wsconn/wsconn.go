// Package wsconn keeps many WebSocket connections (RFC 6455) open at little cost.
//
// An idle connection has no goroutine and no timer: on Linux it waits in one epoll set,
// and one schedule pings all connections of a [Group]. Whatever a peer sends or leaves
// out, its connection ends within bounds: it is read 300 times a second at most,
// it must answer a ping within 10 s, and a close handshake takes at most 6 s. A close
// frame is sent without waiting for the peer's, and needs no goroutine and no timer: the schedule
// of pings closes the connection of a peer that does not answer.
//
// The package knows connections and frames. What the messages mean is up to the
// [Handler]; who may connect, and from which origin, is decided before [Group.Accept].
package wsconn

import "net"

// StatusCode says why a connection is closed (RFC 6455, 7.4).
type StatusCode int

// The status codes that this package and its users send, besides private ones (4000 to
// 4999).
const (
	StatusNormalClosure   StatusCode = 1000
	StatusInvalidPayload  StatusCode = 1007
	StatusPolicyViolation StatusCode = 1008
	StatusServiceRestart  StatusCode = 1012
	StatusTryAgainLater   StatusCode = 1013
)

// CloseFrame is the last frame that is sent to a peer.
type CloseFrame struct {
	Code   StatusCode
	Reason string // at most 123 bytes of UTF-8; the rest is not sent
}

// maxReason is the most that fits into a control frame, beside the code (RFC 6455, 5.5).
const maxReason = 123

// Options hold for all connections of a Group.
type Options struct {
	Subprotocol    string // the one that the server speaks
	MaxMessage     int64  // bytes of a message; a longer one closes the connection with 1009
	MaxMessageRate int    // messages a second; more of them close it with 1008
}

// Handler is what one connection is for. One goroutine at a time calls Message and
// Closed.
type Handler interface {
	// Message takes a text message, which is valid UTF-8. A close frame that it
	// returns is sent, and ends the connection.
	Message(text []byte) *CloseFrame
	// Closed is called once, when the connection is closed and has left its Group.
	Closed()
	// Shutdown asks the handler to close the connection soon. Any goroutine may call
	// it; it must not block.
	Shutdown()
}

// Unwrapper is a net.Conn that passes reads and writes on unchanged to the one that
// Unwrap returns. Idle connections are recognized through it.
type Unwrapper interface{ Unwrap() net.Conn }
