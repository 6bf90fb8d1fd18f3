package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/server/push/wsconn"
	"github.com/scanlogin/scanlogin/session"
)

// refreshPause is the least time between two refreshes (B.1).
const refreshPause = time.Second

// socket is one page's connection. It has no goroutine while it is idle: bytes
// from the page start a reader (see wsconn); wake starts a writer unless one is
// at work, and the writer returns when there is nothing more to send.
type socket struct {
	srv  *Server
	conn *wsconn.Conn

	client  session.Client
	address string // by which it is counted
	proof   proof
	trace   string     // of the handshake
	entered bool       // it was counted by the gates
	open    bool       // it makes its own codes
	resume  session.ID // open: the code to go on with
	state   atomic.Int32
	inLine  atomic.Bool // it has a place of admission, until it has begun

	challenge string // open: of each code that it makes (RFC 7636); empty: none

	// Asked of the writer, in whatever order.
	refresh atomic.Bool // another code
	leave   atomic.Bool // close with 1012
	gone    atomic.Bool // the reader has ended

	// The writer's own, passed from one to the next by state.
	pool      *pool.Pool
	first     *session.Session // watch: the code as the handshake loaded it, until it is followed
	code      *follower        // nil before the first code
	count     int              // which code of the page it is
	refreshed time.Time
	waiting   bool // a timer will wake when the next refresh may be served
	closed    bool // a close frame was sent
}

// States of a socket's writer, left by compare-and-swap only, or a wake is lost.
const (
	idle    int32 = iota // no writer
	running              // a writer is at work
	dirty                // … and has to look again
	ended                // there will be no other
)

// serve begins a socket, or refuses it with a close frame.
func (k *socket) serve(refusal *wsconn.CloseFrame) {
	if refusal != nil {
		k.begun()
		k.conn.Refuse(refusal)
		return
	}
	k.wake()
	k.conn.Serve()
}

// Message implements wsconn.Handler.
func (k *socket) Message(text []byte) *wsconn.CloseFrame {
	var in struct {
		Action string `json:"action"`
	}
	switch {
	case json.Unmarshal(text, &in) != nil:
		return violation("not a JSON object")
	case in.Action != "refresh" || !k.open:
		return violation("unknown action")
	}
	k.refresh.Store(true)
	k.wake()
	return nil
}

// Shutdown implements wsconn.Handler.
func (k *socket) Shutdown() {
	k.leave.Store(true)
	k.wake()
}

// Closed implements wsconn.Handler.
func (k *socket) Closed() {
	if k.entered {
		k.srv.gates.leave(k.address)
	}
	k.gone.Store(true)
	k.wake() // the last writer
}

// wake makes a writer look at what is new. It does not block, and may be called
// by anybody at any time.
func (k *socket) wake() {
	for {
		switch {
		case k.state.CompareAndSwap(idle, running):
			go k.write()
			return
		case k.state.CompareAndSwap(running, dirty):
			return
		}
		if st := k.state.Load(); st == dirty || st == ended {
			return
		}
	}
}

// write says what there is to say, and leaves; the last one gives back the
// socket's place.
func (k *socket) write() {
	for {
		frame := k.step()
		k.begun()
		if frame != nil {
			k.closed = true
			k.conn.Close(frame)
		}
		next := idle
		if k.gone.Load() {
			k.code.close()
			next = ended
		}
		if k.state.CompareAndSwap(running, next) {
			if next == ended {
				k.srv.sockets.wg.Done()
			}
			return
		}
		k.state.CompareAndSwap(dirty, running)
	}
}

// begun gives back the place of the handshake.
func (k *socket) begun() {
	if k.inLine.Swap(false) {
		k.srv.admission.release()
	}
}

// step says one thing after the other until nothing is new, or there is a
// reason to close.
func (k *socket) step() *wsconn.CloseFrame {
	switch {
	case k.closed || k.gone.Load():
		return nil
	case k.leave.Load():
		return closeRestart
	case k.code == nil:
		if frame := k.begin(); frame != nil {
			return frame
		}
	case k.open && k.refresh.Load():
		if frame := k.another(); frame != nil {
			return frame
		}
	}
	return k.show()
}

// asked is the code that the handshake asked to watch, zero if none or if it is
// followed by now.
func (k *socket) asked() session.Session {
	if k.first == nil {
		return session.Session{}
	}
	return *k.first
}

// begin follows the first code.
func (k *socket) begin() *wsconn.CloseFrame {
	if !k.open {
		return k.follow(*k.first)
	}
	if k.resume == "" {
		return k.newCode(1)
	}
	code, p, err := k.srv.load(context.Background(), k.resume)
	switch {
	case err != nil && !isGone(err):
		return k.trouble(err)
	case err != nil || p.ID != k.pool.ID || !k.proof.isBrowser(p, code) || code.Challenge != k.challenge:
		return k.newCode(1)
	case code.Status.Over():
		return k.newCode(code.Count + 1)
	}
	k.pool = p
	return k.follow(code)
}

// codeMessage tells an open socket's page its next code.
type codeMessage struct {
	Event      string     `json:"event"` // "code"
	Random     session.ID `json:"random"`
	URL        string     `json:"url"`
	Payload    string     `json:"payload"`
	ExpiresIn  int        `json:"expiresIn"` // seconds
	BrowserKey string     `json:"browserKey"`
	CustomLogo string     `json:"customLogo,omitempty"`
	AppLink    string     `json:"appLink,omitempty"`
}

// newCode makes the page's next code, which is its count-th, by the pool's
// settings as they are now.
func (k *socket) newCode(count int) *wsconn.CloseFrame {
	p := k.srv.pools.ByID(k.pool.ID)
	switch {
	case p == nil:
		return closeNotFound
	case count > p.MaxCodes:
		return closeExhausted
	case p.RequirePKCE && k.challenge == "":
		return closeChallengeRequired
	}
	k.pool = p
	if err := k.srv.mayMakeOn(p, k.address); err != nil {
		k.refused(rowOf(err))
		return closeBusy
	}
	from := source{client: k.client, cookie: k.proof.cookie, custom: "{}", challenge: k.challenge, count: count, trace: k.trace}
	code, err := k.srv.makeCode(context.Background(), p, from, caller{ip: k.client.IP})
	if err != nil {
		return k.trouble(err)
	}
	key := p.BrowserKey(code)
	k.proof.key = key
	k.refresh.Store(false) // it was about the code before
	if frame := k.send(codeMessage{
		Event: "code", Random: code.ID, URL: k.srv.pictureURL(code.ID), Payload: code.Payload,
		ExpiresIn: wholeSeconds(p.CodeTTL), BrowserKey: key, CustomLogo: p.Logo, AppLink: appLink(p, code.ID),
	}); frame != nil {
		return frame
	}
	return k.follow(code)
}

// follow follows code in place of the one before.
func (k *socket) follow(code session.Session) *wsconn.CloseFrame {
	k.code.close()
	k.count, k.first = code.Count, nil
	f, err := k.srv.follow(k.pool, code, view(k.pool, code, k.proof), k.wake)
	switch {
	case errors.Is(err, hub.ErrStopped):
		return closeRestart
	case err != nil:
		return closeBusy
	}
	k.code = f
	return nil
}

// another withdraws the code and makes a new one, at most once a second: the
// page's "not me". A code that is decided cannot be withdrawn; the page is told
// how it ended instead.
func (k *socket) another() *wsconn.CloseFrame {
	if wait := refreshPause - time.Since(k.refreshed); wait > 0 {
		if !k.waiting {
			k.waiting = true
			time.AfterFunc(wait, k.wake)
		}
		return nil
	}
	k.waiting = false
	k.refreshed = time.Now()
	k.refresh.Store(false)
	code, _, err := k.srv.load(context.Background(), k.code.id)
	if err == nil {
		_, _, err = k.srv.apply(context.Background(), code, session.Change{Action: session.Withdraw}, caller{ip: k.client.IP})
	}
	switch {
	case errors.Is(err, session.ErrUsed):
		return nil
	case err == nil || errors.Is(err, session.ErrOver) || isGone(err):
		return k.newCode(k.count)
	}
	return k.trouble(err)
}

// show tells the page the code's newest state, if it does not know it, and goes
// on to the next code or to the end of the story.
func (k *socket) show() *wsconn.CloseFrame {
	message, st, err := k.code.news()
	switch {
	case errors.Is(err, errNothingNew):
		return nil
	case errors.Is(err, session.ErrLost):
		return closeRestart
	case err != nil:
		return k.trouble(err)
	}
	if frame := k.send(message); frame != nil {
		return frame
	}
	k.code.wrote()
	switch {
	case st == session.Canceled && k.open, st == session.Expired && k.open:
		if frame := k.newCode(k.count + 1); frame != nil {
			return frame
		}
		return k.show()
	case isStoryOver(st):
		return closeDone
	}
	return nil
}

// trouble closes on an error from the store; the page connects again, and
// learns then how things stand.
func (k *socket) trouble(err error) *wsconn.CloseFrame {
	k.srv.quiet.Log(context.Background(), slog.LevelWarn, "socket "+kindOf(err), "socket closed", "pool", k.pool.ID, "error", err)
	k.srv.admission.rejectWaiting(errNoStore)
	return closeBusy
}

// send writes one message. A peer that does not take it is dropped.
func (k *socket) send(message any) *wsconn.CloseFrame {
	text, err := json.Marshal(message)
	if err != nil {
		return k.trouble(err)
	}
	k.begun() // nobody waits for a peer that takes nothing
	if err := k.conn.WriteText(text); err != nil {
		k.conn.Abort()
		return closeDone // nobody hears it
	}
	return nil
}
