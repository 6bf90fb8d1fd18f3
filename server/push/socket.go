package push

import (
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server/push/wsconn"
	"github.com/scanlogin/scanlogin/session"
)

// socket is one page's connection. It is idle nearly all of its life, and has no goroutine
// then. A [signal] from any goroutine starts a worker; the worker handles all signals
// and returns when there are none. Only the worker changes the state and sends.
type socket struct {
	srv     *Server
	conn    *wsconn.Conn
	signals atomic.Uint32 // of type signal

	// Set by the handshake.
	client    session.Client
	counted   bool       // as a connection that waits
	trace     string     // of the handshake
	lang      Lang       // of the page
	open      bool       // it makes its own codes; else it watches one
	resume    session.ID // open: the code to continue with
	challenge string     // open: of each code that it makes (RFC 7636); empty: none

	// Of the worker; each passes it on to the next.
	state        socketState
	pool         *pool.Pool
	proof        login.Proof
	first        *login.View   // not open: the code as the handshake loaded it, until it is subscribed to
	subscription *subscription // nil before the first code
	count        int           // number of the page's code
	refreshed    time.Time     // when the page last got another code on request
}

// socketState is where a socket is in its life. Transitions:
//
//	starting   → following    the first message is sent
//	following  → refreshing   the page asks for another code
//	refreshing → following    it gets one: refreshPause is over, or its code has ended
//	any        → closing      a close frame is sent; also of a handshake that is refused
//	any        → closed       the connection is closed, by either side
type socketState uint8

const (
	stateStarting   socketState = iota // counts as a handshake that runs, see MaxHandshakes
	stateFollowing                     // the page is told each new state of its code
	stateRefreshing                    // … and waits for another code
	stateClosing                       // nothing more is sent
	stateClosed                        // everything is released, and no worker starts
)

// signal is a set of reasons to look after a socket.
type signal = uint32

const (
	signalWorking      signal = 1 << iota // a worker runs
	signalChanged                         // the code may have a newer state, or refreshPause is over
	signalRefresh                         // the page asks for another code
	signalTypedCode                       // the page asks for the typed code
	signalShutdown                        // the node is shutting down
	signalDisconnected                    // the connection is closed
)

// signal makes a worker handle s. It does not block; any goroutine may call it.
func (k *socket) signal(s signal) {
	if k.needsWorker(s) {
		go k.work()
	}
}

// run is signal for a caller that may be the worker.
func (k *socket) run(s signal) {
	if k.needsWorker(s) {
		k.work()
	}
}

// needsWorker notes s, and reports whether no worker runs: the caller must start one.
func (k *socket) needsWorker(s signal) bool {
	return k.signals.Or(s|signalWorking)&signalWorking == 0
}

// changed is called when the code may have a newer state.
func (k *socket) changed() { k.signal(signalChanged) }

// Message implements wsconn.Handler.
func (k *socket) Message(text []byte) *wsconn.CloseFrame {
	var in struct {
		Action string `json:"action"`
	}
	switch {
	case json.Unmarshal(text, &in) != nil:
		return violation("not a JSON object")
	case in.Action == actionTypedCode:
		k.signal(signalTypedCode)
	case in.Action == "refresh" && k.open:
		k.signal(signalRefresh)
	default:
		return violation("unknown action")
	}
	return nil
}

// Shutdown implements wsconn.Handler.
func (k *socket) Shutdown() { k.signal(signalShutdown) }

// Closed implements wsconn.Handler.
func (k *socket) Closed() {
	if k.counted {
		k.srv.login.ReleaseConnection(k.client.IP)
	}
	k.run(signalDisconnected) // it only releases what the socket holds
}

// work handles signals until there are none.
func (k *socket) work() {
	for {
		got := k.signals.Swap(signalWorking)
		if got&signalDisconnected != 0 {
			k.subscription.close()
			k.enter(stateClosed)
			k.srv.sockets.wg.Done()
			return // signalWorking stays set
		}
		frame := k.handle(got)
		switch {
		case frame != nil:
			k.enter(stateClosing)
			k.conn.Close(frame)
		case k.state == stateStarting:
			k.enter(stateFollowing)
		}
		if k.signals.CompareAndSwap(signalWorking, 0) {
			return
		}
	}
}

// enter changes the state. A socket that is no longer starting lets the next handshake
// begin.
func (k *socket) enter(next socketState) {
	if k.state == stateStarting {
		k.srv.admission.Release()
	}
	k.state = next
}

// handle sends what is new until nothing is, or returns the frame to close with.
func (k *socket) handle(got signal) *wsconn.CloseFrame {
	switch {
	case k.state == stateClosing:
		return nil
	case got&signalShutdown != 0:
		return closeRestart
	case k.state == stateStarting:
		k.signals.Or(got & signalRefresh) // for a code that is resumed
		if frame := k.begin(); frame != nil {
			return frame
		}
	case k.state == stateFollowing && got&signalRefresh != 0:
		k.state = stateRefreshing
		if wait := refreshPause - time.Since(k.refreshed); wait > 0 {
			time.AfterFunc(wait, k.changed)
		}
	}
	if k.state == stateRefreshing && time.Since(k.refreshed) >= refreshPause {
		if frame := k.refresh(); frame != nil {
			return frame
		}
	}
	if frame := k.show(); frame != nil || got&signalTypedCode == 0 {
		return frame
	}
	return k.typedCode()
}
