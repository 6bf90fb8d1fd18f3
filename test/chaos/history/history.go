// Package history records the calls to scanlogin, its answers and its messages, with
// their times, so that they can be checked after the run. It guarantees that nothing
// is left out: a call without an answer is an event, too.
package history

import (
	"slices"
	"sync"
	"time"
)

// Action is the kind of an event.
type Action string

const (
	Gene     Action = "gene"     // a code was created, by a call or by a socket
	Scan     Action = "scan"     // the phone scans
	Confirm  Action = "confirm"  // the phone confirms
	Cancel   Action = "cancel"   // the phone cancels
	Redeem   Action = "redeem"   // the site exchanges the ticket
	Withdraw Action = "withdraw" // the page requests another code; there is no answer
	Check    Action = "check"    // a caller requests the state of the code
	Push     Action = "push"     // a connection received the state of the code
	Show     Action = "show"     // a page begins to show the code
	Leave    Action = "leave"    // a page stops showing the code
	Connect  Action = "connect"  // a socket or a stream was opened
	Close    Action = "close"    // a socket or a stream was closed; Answer is the close code

	// Those of OpenID Connect. All but Authorize have the code of their login.
	Authorize  Action = "authorize"  // a page sends an authorization request
	Exchange   Action = "exchange"   // a client exchanges an authorization code for tokens
	Refresh    Action = "refresh"    // a client replaces a refresh token
	UserInfo   Action = "userinfo"   // a client requests the user of an access token
	Introspect Action = "introspect" // a client asks whether a token is valid
)

// Codes of answers, and values for calls and connections without a code.
const (
	OK        = 200
	TooMany   = 429  // nothing was done
	Busy      = 1000 // the outcome is unknown
	None      = 0    // no answer: the outcome is unknown; for Close: no close frame
	NotSent   = -1   // the call did not reach the server
	Ended     = -2   // for Close: the client closed the connection
	Malformed = -3   // a complete answer without the form of docs/api.md
	NoRequest = 2231 // the authorization request of the page is unknown or has ended
	Refused   = 2246 // ticket, authorization code or token is unknown, was used, was revoked or has expired

	// NoRequestClose is NoRequest as a close code.
	NoRequestClose = 1008
)

// Event is a call with its answer, a message, or a change of a page.
type Event struct {
	Call      time.Duration `json:"call"`   // time since the start of the run
	Return    time.Duration `json:"return"` // for Push: when the message arrived
	Actor     string        `json:"actor"`
	Action    Action        `json:"action"`
	Code      string        `json:"code,omitempty"`
	Node      int           `json:"node"`               // from 0
	Conn      int64         `json:"conn,omitempty"`     // for Push, Connect and Close: the connection
	User      string        `json:"user,omitempty"`     // the phone's user; for Redeem and OpenID Connect: the user in the answer
	Proven    bool          `json:"proven,omitempty"`   // the caller proved to be the browser or the site
	LongPoll  bool          `json:"longPoll,omitempty"` // for Check: the server was asked to wait
	Answer    int           `json:"answer"`             // code of the answer, or one of the values above
	HTTP      int           `json:"http,omitempty"`
	State     *State        `json:"state,omitempty"`     // the state of the code in the answer or message
	Lifetimes *Lifetimes    `json:"lifetimes,omitempty"` // for Gene and Authorize: the pool's
	Transport string        `json:"transport,omitempty"` // for Show: the page's transport

	Request string  `json:"request,omitempty"` // state of the page's authorization request; for Gene: the code is for that
	Client  string  `json:"client,omitempty"`  // id of the OAuth client that calls; for Authorize and Gene: that the code is for
	Nonce   string  `json:"nonce,omitempty"`   // for Gene: of the authorization request
	Foreign bool    `json:"foreign,omitempty"` // the client lacks what the code or token needs: it is another one, or has another verifier
	Token   string  `json:"token,omitempty"`   // fingerprint of the token in the call
	Tokens  *Tokens `json:"tokens,omitempty"`  // in the answer
}

// Tokens are the tokens of an answer. Of one for introspection, only Access has values.
type Tokens struct {
	AccessToken  string `json:"accessToken,omitempty"`  // fingerprint
	RefreshToken string `json:"refreshToken,omitempty"` // fingerprint
	Access       Claims `json:"access,omitzero"`        // of the access token
	ID           Claims `json:"id,omitzero"`            // of the ID token
}

// Claims are those of a token whose signature is valid. Otherwise they are empty.
type Claims struct {
	Issuer  string `json:"iss,omitempty"`
	Subject string `json:"sub,omitempty"`
	Client  string `json:"client,omitempty"` // aud, or client_id
	SID     string `json:"sid,omitempty"`
	Nonce   string `json:"nonce,omitempty"`
	JTI     string `json:"jti,omitempty"`
}

// State is the state of a code in an answer or a message.
type State struct {
	Status  string `json:"status"` // the event: waiting, scanned …
	Version int64  `json:"version"`
	User    string `json:"user,omitempty"` // scannedUserId
	Ticket  bool   `json:"ticket,omitempty"`
	// Redirect is the state in the redirect to the OAuth client; "error" in one without a code.
	Redirect string `json:"redirect,omitempty"`
}

// Lifetimes are the lifetimes that a pool configures.
type Lifetimes struct {
	Code    time.Duration `json:"code"`
	Confirm time.Duration `json:"confirm"`
	Ticket  time.Duration `json:"ticket"`
	Request time.Duration `json:"request,omitempty"` // of an authorization request
}

// Unknown reports whether the call's outcome is unknown: it may have taken effect,
// may still do so, or never will.
func (e Event) Unknown() bool {
	return e.Answer == None || e.Answer == Busy || e.HTTP >= 500
}

// Fault is an injected fault, from its start until everything was repaired.
type Fault struct {
	Kind   string        `json:"kind"`
	Target string        `json:"target"`
	Node   int           `json:"node"` // the node with the fault; -1: none
	From   time.Duration `json:"from"`
	To     time.Duration `json:"to"`
	Alone  bool          `json:"alone"` // no other fault at the time or soon after, so that its effect can be measured
	Lossy  bool          `json:"lossy"` // Redis may have lost acknowledged writes
	Exit   string        `json:"exit,omitempty"`
	Gone   time.Duration `json:"gone,omitempty"` // when a node that was told to shut down had ended
}

// Log records events and faults. It may be used by several goroutines.
type Log struct {
	began time.Time

	mu     sync.Mutex
	events []Event
	faults []Fault
}

// NewLog starts a history now.
func NewLog() *Log { return &Log{began: time.Now()} }

// Now returns the time since the start of the history.
func (l *Log) Now() time.Duration { return time.Since(l.began) }

// Add records an event.
func (l *Log) Add(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// AddFault records a fault that has been repaired.
func (l *Log) AddFault(s Fault) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.faults = append(l.faults, s)
}

// History returns everything recorded so far. It must not be modified.
func (l *Log) History() History {
	l.mu.Lock()
	defer l.mu.Unlock()
	return History{Events: slices.Clip(l.events), Faults: slices.Clip(l.faults), End: l.Now()}
}
