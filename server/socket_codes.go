package server

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/push/wsconn"
	"github.com/scanlogin/scanlogin/session"
)

// refreshPause is the least time between two refreshes (B.1).
const refreshPause = time.Second

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
	code, p, err := k.srv.login.Code(context.Background(), k.resume)
	switch {
	case err != nil && !isGone(err):
		return k.failed(err)
	case err != nil || p.ID != k.pool.ID || !k.proof.IsBrowser(p, code) || code.Challenge != k.challenge:
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

// newCode makes the page's next code, which is its count-th, with the pool's current
// settings. Requests for another code that came before are about the previous one, and
// dropped.
func (k *socket) newCode(count int) *wsconn.CloseFrame {
	p, err := k.srv.login.Pool(k.pool.ID)
	switch {
	case err != nil:
		return closeNotFound
	case count > p.MaxCodes:
		return closeExhausted
	}
	k.pool = p
	code, err := k.srv.login.Create(context.Background(), k.caller(), login.CreateRequest{
		Pool: p, CustomData: "{}", Challenge: k.challenge, Count: count, Trace: k.trace,
	})
	switch {
	case errors.Is(err, login.ErrChallengeRequired):
		return closeChallengeRequired
	case err != nil && login.IsAdmission(err):
		k.emitRefused(err)
		return closeBusy
	case err != nil:
		return k.failed(err)
	}
	k.signals.And(^signalRefresh)
	if k.state == stateRefreshing {
		k.state = stateFollowing
	}
	k.proof.BrowserKey = p.BrowserKey(code)
	if frame := k.send(codeMessage{
		Event: "code", Random: code.ID, URL: k.srv.pictureURL(code.ID), Payload: code.Payload,
		ExpiresIn: login.WholeSeconds(p.CodeTTL), BrowserKey: k.proof.BrowserKey, CustomLogo: p.Logo, AppLink: login.AppLink(p, code.ID),
	}); frame != nil {
		return frame
	}
	return k.follow(code)
}

// follow follows code instead of the previous one.
func (k *socket) follow(code session.Session) *wsconn.CloseFrame {
	k.code.close()
	k.count, k.first = code.Count, nil
	f, err := k.srv.follow(k.pool, code, login.NewRights(k.pool, code, k.proof), k.changed)
	switch {
	case errors.Is(err, hub.ErrStopped):
		return closeRestart
	case err != nil:
		return closeBusy
	}
	k.code = f
	return nil
}

// refresh withdraws the code and makes a new one: the page's "not me". A code that is
// decided cannot be withdrawn; the page is told how it ended instead.
func (k *socket) refresh() *wsconn.CloseFrame {
	k.state, k.refreshed = stateFollowing, time.Now()
	err := k.srv.login.Withdraw(context.Background(), k.caller(), k.code.id)
	switch {
	case errors.Is(err, session.ErrUsed):
		return nil
	case err == nil || errors.Is(err, session.ErrOver) || isGone(err):
		return k.newCode(k.count)
	}
	return k.failed(err)
}

// show tells the page the code's newest state, if the page does not know it. After the last
// state it continues with the next code or closes.
func (k *socket) show() *wsconn.CloseFrame {
	state, err := k.code.news()
	switch {
	case errors.Is(err, errNothingNew):
		return nil
	case errors.Is(err, session.ErrLost):
		return closeRestart
	case err != nil:
		return k.failed(err)
	}
	if frame := k.send(statusData(state)); frame != nil {
		return frame
	}
	k.code.wrote()
	switch st := state.Snapshot.Status; {
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

// failed closes because of an error of the store. The page connects again and learns the
// state then.
func (k *socket) failed(err error) *wsconn.CloseFrame {
	k.srv.quiet.Log(context.Background(), slog.LevelWarn, "socket "+kindOf(err), "socket closed", "pool", k.pool.ID, "error", err)
	k.srv.admission.RejectWaiting(errNoStore)
	return closeBusy
}

// send writes one message. If the peer does not take it, the connection is closed.
func (k *socket) send(message any) *wsconn.CloseFrame {
	text, err := json.Marshal(message)
	if err != nil {
		return k.failed(err)
	}
	if k.state == stateStarting {
		k.enter(stateFollowing) // a slow peer does not hold a place of admission
	}
	if err := k.conn.WriteText(text); err != nil {
		k.conn.Abort()
		return closeDone // not sent: the connection is closed
	}
	return nil
}

// caller is the page, as the caller of a use case.
func (k *socket) caller() *login.Caller {
	return &login.Caller{Proof: k.proof, IP: k.client.IP, UserAgent: k.client.UserAgent}
}

// emitRefused emits that the page was refused something with err.
func (k *socket) emitRefused(err error) {
	by := k.caller()
	by.SetSubject(k.pool, k.asked())
	k.srv.login.EmitRefused(by, "ws", rowOf(err).name)
}
