package push

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/push/wsconn"
	"github.com/scanlogin/scanlogin/server/wire"
	"github.com/scanlogin/scanlogin/session"
)

// refreshPause is the least time between two refreshes.
const refreshPause = time.Second

// caller returns the page as the caller of one use case.
func (k *socket) caller() *login.Caller {
	return &login.Caller{Proof: k.proof, IP: k.client.IP, UserAgent: k.client.UserAgent}
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
	case err != nil && !errors.Is(err, session.ErrNotFound):
		return k.failed(err)
	case err != nil || p.ID != k.pool.ID || !k.proof.IsBrowser(p, code) || code.Challenge != k.challenge || !k.proof.Authorization.Resumes(code):
		return k.newCode(1)
	case code.Status.Over():
		return k.newCode(code.Count + 1)
	}
	k.pool = p
	return k.follow(k.view(code))
}

// view is a code of the socket's pool as the page may see it.
func (k *socket) view(code session.Session) login.View {
	return login.View{Pool: k.pool, Code: code, Rights: login.NewRights(k.pool, code, k.proof)}
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
	code, subscription, err := k.create(count)
	switch {
	case errors.Is(err, hub.ErrStopped):
		return closeRestart
	case errors.Is(err, login.ErrChallengeRequired):
		return closeChallengeRequired
	case errors.Is(err, login.ErrNoRequest):
		return closeNoRequest
	case login.IsAdmission(err):
		k.emitRefused(err)
		return closeBusy
	case err != nil:
		return k.failed(err)
	}
	k.signals.And(^signalRefresh)
	if k.state == stateRefreshing {
		k.state = stateFollowing
	}
	k.proof.BrowserKey = code.BrowserKey
	k.subscription.close()
	k.count, k.subscription = count, subscription
	return k.send(k.codeMessage(code))
}

// create creates the page's next code. The page is subscribed to it before it is stored, so that
// it need not be read.
func (k *socket) create(count int) (code login.Created, f *subscription, err error) {
	code, err = k.srv.login.Create(context.Background(), k.caller(), login.CreateRequest{
		Pool: k.pool, CustomData: "{}", Challenge: k.challenge, Count: count, Trace: k.trace,
		Subscribe: func(id session.ID) (err error) {
			f, err = k.srv.subscribeNew(id, k.changed)
			return err
		},
	})
	if err != nil {
		f.close()
		return code, nil, err
	}
	f.created(login.View{Pool: k.pool, Code: code.Session, Rights: login.BrowserRights(k.pool, code.Session, k.proof.Authorization)})
	return code, f, nil
}

// follow subscribes to a view's code instead of the previous one.
func (k *socket) follow(v login.View) *wsconn.CloseFrame {
	k.subscription.close()
	k.count, k.first = v.Code.Count, nil
	f, err := k.srv.subscribe(v, k.changed)
	switch {
	case errors.Is(err, hub.ErrStopped):
		return closeRestart
	case err != nil:
		return closeBusy
	}
	k.subscription = f
	return nil
}

// refresh withdraws the code and makes a new one: the page's "not me". A code that is
// decided cannot be withdrawn; the page is told how it ended instead.
func (k *socket) refresh() *wsconn.CloseFrame {
	k.state, k.refreshed = stateFollowing, time.Now()
	err := k.srv.login.Withdraw(context.Background(), k.caller(), k.pool, k.subscription.id)
	switch {
	case errors.Is(err, session.ErrUsed):
		return nil
	case err == nil || errors.Is(err, session.ErrOver) || errors.Is(err, session.ErrNotFound):
		return k.newCode(k.count)
	}
	return k.failed(err)
}

// show tells the page the code's newest state, if the page does not know it. After the last
// state it continues with the next code or closes.
func (k *socket) show() *wsconn.CloseFrame {
	state, err := k.subscription.next()
	switch {
	case errors.Is(err, errNothingNew):
		return nil
	case errors.Is(err, session.ErrLost):
		return closeRestart
	case err != nil:
		return k.failed(err)
	}
	st := state.Snapshot.Status
	continues := k.open && (st == session.Canceled || st == session.Expired)
	if isFinal(st) && !continues {
		return k.sendLast(wire.NewStatus(state))
	}
	if frame := k.send(wire.NewStatus(state)); frame != nil {
		return frame
	}
	k.subscription.noteDelivery()
	if !continues {
		return nil
	}
	if frame := k.newCode(k.count + 1); frame != nil {
		return frame
	}
	return k.show()
}

// failed closes because of an error of the store. The page connects again and learns the
// state then.
func (k *socket) failed(err error) *wsconn.CloseFrame {
	k.srv.limitedLog.Log(context.Background(), slog.LevelWarn, "socket "+login.ErrorKind(err), "socket closed", "pool", k.pool.ID, "error", err)
	k.srv.admission.RejectWaiting(errStoreSilent)
	return closeBusy
}

// emitRefused emits that the page was refused something because of err.
func (k *socket) emitRefused(err error) {
	by := k.caller()
	var code session.Session
	if k.first != nil {
		code = k.first.Code
	}
	by.SetSubject(k.pool, code)
	k.srv.login.EmitRefused(by, "ws", k.srv.errorName(err))
}

// send writes one message. If the peer does not take it, the connection is closed.
func (k *socket) send(message any) *wsconn.CloseFrame {
	return k.write(message, k.conn.WriteText)
}

// sendLast writes the last message and the close frame at once, and returns that frame.
func (k *socket) sendLast(message any) *wsconn.CloseFrame {
	frame := k.write(message, func(text []byte) error { return k.conn.WriteLast(text, closeDone) })
	if frame == nil {
		k.subscription.noteDelivery()
		frame = closeDone
	}
	return frame
}

// write writes a message by means of to, or returns the frame to close with.
func (k *socket) write(message any, to func(text []byte) error) *wsconn.CloseFrame {
	text, err := json.Marshal(message)
	if err != nil {
		return k.failed(err)
	}
	if k.state == stateStarting {
		k.enter(stateFollowing) // a slow peer does not delay other handshakes
	}
	if err := to(text); err != nil {
		k.conn.Abort()
		return closeDone
	}
	return nil
}
