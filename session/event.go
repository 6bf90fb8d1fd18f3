package session

import "time"

// EventKind is the type of an [Event].
type EventKind string

const (
	EventMade      EventKind = "made"
	EventScanned   EventKind = "scanned"
	EventConfirmed EventKind = "confirmed"
	EventCanceled  EventKind = "canceled"
	EventWithdrawn EventKind = "withdrawn" // by the browser
	EventExchanged EventKind = "exchanged"
	// EventMismatched is a wrong number (see [Mismatch]). It is emitted in addition to
	// EventRefused. The wrong number that ends the code is EventCanceled instead.
	EventMismatched EventKind = "mismatched"
	EventRefused    EventKind = "refused" // a request that was refused

	// EventTokenReused and EventTokensRevoked are about the tokens of a login at an OAuth
	// client; Code is set only where it is still stored.
	EventTokenReused   EventKind = "token_reused"   // a spent refresh token or authorization code was shown; the login's tokens are revoked
	EventTokensRevoked EventKind = "tokens_revoked" // the client revoked tokens, or the user logged out

	// EventExpired and EventLost are emitted by the node that created the code, within
	// two seconds while the store answers.
	EventExpired EventKind = "expired" // the code reached its end time
	EventLost    EventKind = "lost"    // the store no longer has the code, and its end was not seen
)

// Event is a step that this node stored, or a request that it refused. A step is
// emitted once, by the node that stored it, after the store confirmed it. If the
// store's answer is unknown, nothing is emitted.
type Event struct {
	Kind EventKind
	Time time.Time // by the store's clock
	Pool string    // id; "" if a refused request named no pool
	// Code is the session as stored. For EventRefused it is the session as found, zero
	// if there was none; for EventLost only ID and Pool are set.
	Code      Session
	Client    string // id of the OAuth client; "" if there is none
	User      string // id of the phone's user who acted; "" for a browser or a site
	IP        string // of the caller; "" for EventExpired and EventLost
	RequestID string // X-Request-Id of the answer; "" for WebSocket messages, EventExpired and EventLost
	Call      string // EventRefused: the first word of the route; "" if there is no such route
	Reason    string // EventRefused: name of the row in the error table
}

// Observer receives events. It must not block, and must allow concurrent calls. Events
// that one goroutine emits arrive in order.
type Observer func(Event)

// Observers receive the same events, independently of each other.
type Observers []Observer

// Emit calls each observer with e.
func (o Observers) Emit(e Event) {
	for _, observe := range o {
		observe(e)
	}
}

// EventKind returns the kind of event for c after it was stored as s.
func (c Change) EventKind(s Session) EventKind {
	switch c.Action {
	case Scan:
		return EventScanned
	case Confirm:
		return EventConfirmed
	case Cancel:
		return EventCanceled
	case Redeem:
		return EventExchanged
	case Withdraw:
		return EventWithdrawn
	}
	if s.Status.Over() { // the last mismatch
		return EventCanceled
	}
	return EventMismatched
}
