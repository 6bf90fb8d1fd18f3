package push

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/push/wsconn"
	"github.com/scanlogin/scanlogin/session"
)

// subprotocol is what both sides must speak; keyProtocol is offered beside it
// to carry the browser key, as a page can set no header.
const (
	subprotocol = "scanlogin.v1"
	keyProtocol = "key."
)

// Errors of Socket, besides those of package login.
var (
	ErrNoHandshake = errors.New("the request is not a WebSocket handshake")
	ErrBody        = errors.New("the WebSocket handshake has a body")
)

// SocketRequest is what a WebSocket handshake asks for.
type SocketRequest struct {
	Pool            login.PoolName
	Random          string // the code to watch, or to resume; "" if there is none
	Watch           bool   // watch the code Random; else make codes for the pool
	Challenge       string // of the codes to make (RFC 7636); "" if there is none
	ChallengeMethod string
	Request         string // id of the authorization request whose page it is; "" if there is none
	RequestCookie   string // of the browser that made it
	Trace           string // of the codes to make, as in session.Session
	Lang            Lang   // of the page
}

// Socket accepts a WebSocket that watches a code, or makes its own. It returns after the first message:
// an idle socket has small buffers and no goroutine (see wsconn). A refusal that the page
// has to learn is a close frame after accepting, because a browser does not tell a page how
// a handshake was refused. Other refusals are errors, for the caller to answer:
// ErrNoHandshake, ErrBody, login.FieldError, TooMany, ErrOrigin and ErrUnavailable.
func (s *Server) Socket(w http.ResponseWriter, r *http.Request, by *login.Caller, req SocketRequest) error {
	if !websocketAsked(r) {
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Connection", "Upgrade")
		return ErrNoHandshake
	}
	if hasBody(r) {
		refuseBody(w)
		return ErrBody
	}
	if !s.sockets.begin() {
		return fmt.Errorf("%w: %w", login.ErrUnavailable, errShutdown)
	}
	if err := s.admission.Acquire(r.Context(), ipaddr.Turn(by.IP)); err != nil {
		s.sockets.wg.Done()
		return fmt.Errorf("%w: %w", login.ErrUnavailable, err)
	}
	var k *socket
	defer func() { // also of a handshake that panics
		if k == nil {
			s.admission.Release()
			s.sockets.wg.Done()
		}
	}()
	k, err := s.handshake(w, r, by, req)
	if k != nil {
		k.run(signalChanged) // another goroutine would have to grow a stack as large as this one's
	}
	return err
}

// handshake returns the socket that it began, or nil. The socket has to release what the
// handshake acquired.
func (s *Server) handshake(w http.ResponseWriter, r *http.Request, by *login.Caller, req SocketRequest) (*socket, error) {
	k, refusal, err := s.newSocket(r, by, req)
	if err != nil {
		return nil, err
	}
	if k.conn, err = s.sockets.group.Accept(w, r, k); err != nil {
		s.log.Debug("handshake refused", "requestId", by.RequestID, "error", err)
		return nil, nil // Accept has answered
	}
	err = s.login.AcquireConnection(k.client.IP) // also for a socket that is closed at once: its peer may not answer the close frame
	k.counted = err == nil
	if err != nil && refusal == nil {
		refusal = closeBusy
		k.emitRefused(err)
	}
	if refusal != nil {
		k.enter(stateClosing) // before Add: signals may come from then on
	}
	if !s.sockets.group.Add(k.conn) { // the node began to shut down meanwhile
		refusal = closeRestart
		k.enter(stateClosing)
	}
	if refusal != nil {
		go k.conn.Refuse(refusal)
		return k, nil
	}
	k.conn.Start()
	return k, nil
}

// websocketAsked reports whether WebSocket is among the protocols that the
// client would upgrade to (RFC 9110, 7.8).
func websocketAsked(r *http.Request) bool {
	for _, line := range r.Header.Values("Upgrade") {
		for protocol := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(protocol), "websocket") {
				return true
			}
		}
	}
	return false
}

// hasBody reports whether a request announces a body, by Content-Length or
// Transfer-Encoding.
func hasBody(r *http.Request) bool { return r.ContentLength != 0 || len(r.TransferEncoding) > 0 }

// refuseBody has the connection closed after the answer to a handshake that announces a
// body. net/http reads a body before it hands the connection over, for as long as the
// client likes. It would also read it after the answer; a read deadline in the past
// prevents that.
func refuseBody(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Unix(1, 0)) // an error: it is closed already
	w.Header().Set("Connection", "close")
}

// newSocket makes the socket that a handshake asks for, or returns the close frame with which
// it is refused. It sets what is known about the caller's subject.
func (s *Server) newSocket(r *http.Request, by *login.Caller, req SocketRequest) (*socket, *wsconn.CloseFrame, error) {
	by.BrowserKey, by.Credentials = offeredKey(r), nil
	if frame := s.authorize(r, by, req); frame != nil {
		return &socket{srv: s, client: session.Client{IP: by.IP, UserAgent: by.UserAgent}}, frame, s.login.CheckAnyOrigin(by)
	}
	k := &socket{srv: s, client: session.Client{IP: by.IP, UserAgent: by.UserAgent}, proof: by.Proof, trace: req.Trace, lang: req.Lang}
	p, named, err := s.login.FindPool(req.Pool)
	switch {
	case err != nil:
		s.refused(r, err)
		return k, closeNotFound, s.login.CheckAnyOrigin(by)
	case req.Watch:
		return s.newWatch(r, by, k, req)
	case !named:
		return nil, nil, login.FieldError{Field: "random or userPoolId", Reason: login.Required}
	}
	if err := s.login.CheckOrigin(by, p); err != nil {
		return nil, nil, err
	}
	if err := login.CheckChallenge(req.Challenge, req.ChallengeMethod); err != nil {
		return k, violation(err.Error()), nil
	}
	by.SetSubject(p, session.Session{})
	k.open, k.pool, k.challenge = true, p, strings.Clone(req.Challenge)
	if a := by.Authorization; a != nil {
		if a.Pool != p.ID {
			return k, closeNoRequest, nil
		}
		k.challenge = a.Challenge
	}
	k.resume, _ = session.ParseID(req.Random) // one that is malformed is treated like an unknown one
	return k, nil, nil
}

// authorize finds the authorization request that a handshake names, or returns the close frame
// with which it is refused.
func (s *Server) authorize(r *http.Request, by *login.Caller, req SocketRequest) *wsconn.CloseFrame {
	if req.Request == "" {
		return nil
	}
	var err error
	by.Authorization, err = s.login.Authorization(r.Context(), req.Request, req.RequestCookie)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, login.ErrNoRequest):
		return closeNoRequest
	}
	s.logUnserved(r, by, err)
	return closeBusy
}

// logUnserved logs why a handshake is not served, for a reason that other handshakes will meet.
func (s *Server) logUnserved(r *http.Request, by *login.Caller, err error) {
	s.limitedLog.Log(r.Context(), slog.LevelWarn, "handshake "+login.ErrorKind(err), "socket not served", "requestId", by.RequestID, "error", err)
	if r.Context().Err() == nil { // a client that disconnected says nothing about the store
		s.admission.RejectWaiting(errStoreSilent)
	}
}

// newWatch prepares a socket that watches one code. If the request names a pool, the code
// must be that pool's.
func (s *Server) newWatch(r *http.Request, by *login.Caller, k *socket, req SocketRequest) (*socket, *wsconn.CloseFrame, error) {
	v, err := s.login.View(r.Context(), by, login.ViewRequest{Pool: req.Pool, Random: req.Random})
	_, tooMany := errors.AsType[login.TooMany](err)
	switch {
	case err == nil:
		k.pool, k.first = v.Pool, &v
		return k, nil, nil
	case tooMany, errors.Is(err, login.ErrOrigin):
		return nil, nil, err
	case errors.Is(err, session.ErrNotFound):
		return k, closeNotFound, s.login.CheckAnyOrigin(by)
	}
	s.logUnserved(r, by, err)
	return k, closeBusy, s.login.CheckAnyOrigin(by)
}

// offeredKey returns the browser key that the client offers as a subprotocol
// beside ours.
func offeredKey(r *http.Request) string {
	key, speaks := "", false
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for offer := range strings.SplitSeq(line, ",") {
			offer = strings.TrimSpace(offer)
			if rest, ok := strings.CutPrefix(offer, keyProtocol); ok {
				key = rest
			}
			speaks = speaks || offer == subprotocol
		}
	}
	if !speaks {
		return ""
	}
	return key
}
