package server

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

// Status codes of the contract (B.1) that have no name in RFC 6455.
const (
	statusNotFound  wsconn.StatusCode = 4404
	statusExhausted wsconn.StatusCode = 4408
)

// The close frames that a socket sends, besides those for violations of the rules.
var (
	closeDone              = &wsconn.CloseFrame{Code: wsconn.StatusNormalClosure, Reason: "done"}
	closeRestart           = &wsconn.CloseFrame{Code: wsconn.StatusServiceRestart, Reason: "connect again"}
	closeBusy              = &wsconn.CloseFrame{Code: wsconn.StatusTryAgainLater, Reason: "try again later"}
	closeNotFound          = &wsconn.CloseFrame{Code: statusNotFound, Reason: "no such code or pool"}
	closeChallengeRequired = violation("codeChallenge is required by this user pool (PKCE, RFC 7636)")
	closeExhausted         = &wsconn.CloseFrame{Code: statusExhausted, Reason: "ask the person"}
)

// violation is the close frame for a page that violates the rules (1008).
func violation(reason string) *wsconn.CloseFrame {
	return &wsconn.CloseFrame{Code: wsconn.StatusPolicyViolation, Reason: reason}
}

// socket accepts a WebSocket that watches a code, or makes its own (B.1). The
// handler returns at once: an idle socket has small buffers and no goroutine (see wsconn).
func (s *Server) socket(c *call) error {
	if !websocketAsked(c.Request()) {
		c.Response().Header().Set("Upgrade", "websocket")
		c.Response().Header().Set("Connection", "Upgrade")
		return errUpgrade
	}
	if hasBody(c.Request()) {
		return refuseBody(c)
	}
	if !s.sockets.begin() {
		return errBusy // the node is leaving
	}
	if err := s.admission.Acquire(c.Request().Context(), ipaddr.Turn(c.by.IP)); err != nil {
		s.sockets.wg.Done()
		return fmt.Errorf("%w: %w", login.ErrUnavailable, err)
	}
	served := false
	defer func() { // also of a handshake that panics
		if !served {
			s.admission.Release()
			s.sockets.wg.Done()
		}
	}()
	var err error
	served, err = s.handshake(c)
	return err
}

// handshake reports whether it began a socket, which then has taken over its places.
func (s *Server) handshake(c *call) (served bool, err error) {
	k, refusal, err := s.newSocket(c)
	if err != nil {
		return false, err
	}
	if k.pool != nil {
		c.by.SetSubject(k.pool, k.asked())
	}
	k.trace = s.traceName(c.Request().Context())
	if k.conn, err = s.sockets.group.Accept(c.Response(), c.Request(), k); err != nil {
		s.log.Debug("handshake refused", "requestId", c.by.RequestID, "error", err)
		return false, nil // Accept has answered
	}
	err = s.login.AcquireConnection(k.client.IP) // also for one that is closed at once: its peer may not answer the close frame
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
		return true, nil
	}
	k.signal(signalChanged)
	go k.conn.Serve()
	return true, nil
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

// refuseBody refuses a handshake that announces a body: net/http reads the body
// before it hands the connection over, for as long as the client likes. It would
// also read it after this answer; a read deadline in the past prevents that, so
// that the connection is closed at once.
func refuseBody(c *call) error {
	_ = http.NewResponseController(c.Response()).SetReadDeadline(time.Unix(1, 0)) // an error: it is closed already
	c.Response().Header().Set("Connection", "close")
	return &refusal{
		problem: errField,
		en:      "A WebSocket handshake must not have a body: leave out Content-Length and Transfer-Encoding",
		zh:      "WebSocket 握手请求不能包含请求体：请去掉 Content-Length 和 Transfer-Encoding",
	}
}

// newSocket reads what a handshake asks for. A refusal that the page has to learn is
// returned as a close frame, to be sent after accepting: a browser does not tell a page
// how a handshake was refused.
func (s *Server) newSocket(c *call) (*socket, *wsconn.CloseFrame, error) {
	c.by.BrowserKey, c.by.Credentials = offeredKey(c.Request()), nil
	k := &socket{srv: s, client: session.Client{IP: c.by.IP, UserAgent: c.by.UserAgent}, proof: c.by.Proof}
	random, name := c.QueryParam("random"), c.poolName("")
	p, named, err := s.login.FindPool(name)
	switch {
	case err != nil:
		return k, closeNotFound, s.login.CheckAnyOrigin(c.by)
	case !named && random == "":
		return nil, nil, required("random or userPoolId")
	case random != "" && c.QueryParam("userPoolId") == "":
		return s.newWatch(c, k, random, name)
	}
	if err := s.login.CheckOrigin(c.by, p); err != nil {
		return nil, nil, err
	}
	challenge := c.QueryParam("codeChallenge")
	if err := login.CheckChallenge(challenge, c.QueryParam("codeChallengeMethod")); err != nil {
		return k, violation(err.Error()), nil
	}
	k.open, k.pool, k.challenge = true, p, strings.Clone(challenge)
	k.resume, _ = session.ParseID(random) // a malformed one is resumed like an unknown one: not
	return k, nil, nil
}

// newWatch prepares a socket that watches one code. If the request names a pool, the code
// must be that pool's.
func (s *Server) newWatch(c *call, k *socket, random string, name login.PoolName) (*socket, *wsconn.CloseFrame, error) {
	v, err := s.login.View(c.Request().Context(), c.by, login.ViewRequest{Pool: name, Random: random})
	_, tooMany := errors.AsType[login.TooMany](err)
	switch {
	case err == nil:
		k.pool, k.first = v.Pool, &v.Code
		return k, nil, nil
	case isGone(err):
		return k, closeNotFound, s.login.CheckAnyOrigin(c.by)
	case tooMany, errors.Is(err, login.ErrOrigin):
		return nil, nil, err
	}
	s.quiet.Log(c.Request().Context(), slog.LevelWarn, "handshake "+kindOf(err), "socket not served", "requestId", c.by.RequestID, "error", err)
	if c.Request().Context().Err() == nil { // a client that disconnected says nothing of the store
		s.admission.RejectWaiting(errNoStore)
	}
	return k, closeBusy, s.login.CheckAnyOrigin(c.by)
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
