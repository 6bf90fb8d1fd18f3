package server

import (
	"context"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// EventKind says what an Event is about.
type EventKind string

const (
	EventMade      EventKind = "made"
	EventScanned   EventKind = "scanned"
	EventConfirmed EventKind = "confirmed"
	EventCanceled  EventKind = "canceled"
	EventWithdrawn EventKind = "withdrawn" // by the browser: "not me"
	EventExchanged EventKind = "exchanged"
	// EventMismatched is a wrong number, told beside the refusal; the one too
	// many, which ends the code, is EventCanceled.
	EventMismatched EventKind = "mismatched"
	EventRefused    EventKind = "refused"

	// Of codes that this node made, which no caller ended:
	EventExpired EventKind = "expired" // by time
	EventLost    EventKind = "lost"    // the store has it no more, and its end was not seen
)

// kinds are the events that the protocol's actions make.
var kinds = map[session.Action]EventKind{
	session.Scan: EventScanned, session.Confirm: EventConfirmed, session.Cancel: EventCanceled,
	session.Withdraw: EventWithdrawn, session.Redeem: EventExchanged,
	session.Mismatch: EventMismatched,
}

// Event is something that this node did to a code, told once the store has it,
// or a call that it refused. A step whose outcome the store did not tell, and
// one of another node, is no event here. Time's end, which nobody does, is told
// by the node that made the code, within two seconds while the store answers.
type Event struct {
	Kind EventKind
	Time time.Time // by the store's clock
	Pool string    // id; "" if a refused call named none
	// Code is the session as stored; of a refused call as it was found, and
	// zero if none was; of a lost one ID and Pool alone.
	Code session.Session
	User string // id of the phone's user who did it; "" for a browser and for a site
	IP   string // of who called; "" for time's end
	// RequestID is that of the answer; "" for what came over a WebSocket, and
	// for time's end.
	RequestID string
	Call      string // of a refused call: its route's first word; "" if it has none
	Reason    string // of a refused call: the name of its row in the table of errors
}

// caller is who makes a node do something.
type caller struct {
	ip        string
	requestID string
	user      string
}

func callerOf(c echo.Context) caller {
	return caller{ip: c.RealIP(), requestID: requestID(c)}
}

// tell tells all witnesses.
func (s *Server) tell(kind EventKind, code session.Session, by caller) {
	s.witness(Event{
		Kind: kind, Time: s.store.Now(), Pool: code.Pool, Code: code,
		User: by.user, IP: by.ip, RequestID: by.requestID,
	})
}

func (s *Server) witness(e Event) {
	for _, see := range s.witnesses {
		see(e)
	}
}

// subject is what a call turned out to be about, as far as it came.
type subject struct {
	pool string
	code session.Session
	user string
}

const subjectKey = "subject"

// about notes what a call is about, for the event if it is refused.
func about(c echo.Context, p *pool.Pool, code session.Session, user string) {
	s := subject{code: code, user: user}
	if p != nil {
		s.pool = p.ID
	}
	c.Set(subjectKey, s)
}

// callName is the route's first word behind the interface's path, "" where there
// is no such route.
func callName(c echo.Context) string {
	for _, base := range []string{apiPath, newPath} {
		if rest, ok := strings.CutPrefix(c.Path(), base+"/"); ok {
			name, _, _ := strings.Cut(rest, "/")
			return name
		}
	}
	return ""
}

// refused tells of a call of the REST interface that was refused for p.
func (s *Server) refused(c echo.Context, p *problem) {
	if len(s.witnesses) == 0 || !isAPI(c.Request()) {
		return
	}
	of, _ := c.Get(subjectKey).(subject)
	by := callerOf(c)
	s.witness(Event{
		Kind: EventRefused, Time: s.store.Now(), Pool: of.pool, Code: of.code, User: of.user,
		IP: by.ip, RequestID: by.requestID, Call: callName(c), Reason: p.name,
	})
}

// refused tells that the socket got less than it asked for, for p.
func (k *socket) refused(p *problem) {
	k.srv.witness(Event{
		Kind: EventRefused, Time: k.srv.store.Now(), Pool: k.pool.ID, Code: k.asked(),
		IP: k.client.IP, Call: "ws", Reason: p.name,
	})
}

// apply makes a change of a loaded code, and tells of it if it was made; it was
// not where the change only repeats what was done before.
func (s *Server) apply(ctx context.Context, code session.Session, c session.Change, by caller) (_ session.Session, made bool, err error) {
	c.Op = session.NewOpID()
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		code, err = session.Apply(ctx, s.store, code, c)
		return err
	})
	made = err == nil && code.Op == c.Op
	if made {
		kind := kinds[c.Action]
		if c.Action == session.Mismatch && code.Status.Over() {
			kind = EventCanceled
		}
		s.tell(kind, code, by)
	}
	return code, made, err
}
