// Package history holds what was asked of scanlogin and what it said, with the
// times of both, so that it can be judged when all is over. It promises that
// nothing is left out: a call without an answer is an event as well.
package history

import (
	"slices"
	"sync"
	"time"
)

// Do is what somebody did, or what happened to him.
type Do string

const (
	Gene     Do = "gene"     // a code was made, by a call or by a socket
	Scan     Do = "scan"     // the phone's three
	Confirm  Do = "confirm"  //
	Cancel   Do = "cancel"   //
	Redeem   Do = "redeem"   // the site exchanges the ticket
	Withdraw Do = "withdraw" // the page asks for another code; nobody answers that
	Check    Do = "check"    // somebody asks how the code stands
	Push     Do = "push"     // a connection told how the code stands
	Show     Do = "show"     // a page begins to show the code
	Leave    Do = "leave"    // and no longer does
	Connect  Do = "connect"  // a socket or a stream was opened
	Close    Do = "close"    // and closed; Answer is the close code
)

// Answers that decide what is done next, or are not the envelope's.
const (
	OK      = 200
	TooMany = 429  // the envelope's: nothing was done
	Busy    = 1000 // the envelope's: the outcome is unknown
	None    = 0    // no answer came: the outcome is unknown; of a Close: no close frame came
	NotSent = -1   // the call did not get as far as the server
	Ended   = -2   // of a Close: the client itself left
)

// Event is one call with its answer, one message, or one turn of a page.
type Event struct {
	Call   time.Duration `json:"call"`   // since the run began
	Return time.Duration `json:"return"` // of a Push: when it came
	Who    string        `json:"who"`
	Do     Do            `json:"do"`
	Code   string        `json:"code,omitempty"`
	Node   int           `json:"node"`           // from 0
	Conn   int64         `json:"conn,omitempty"` // of a Push, a Connect, a Close: which connection
	User   string        `json:"user,omitempty"` // as whom the phone acts; of a Redeem: whom the answer names
	Proven bool          `json:"proven,omitempty"`
	Held   bool          `json:"held,omitempty"` // of a Check: it asked the server to wait
	Answer int           `json:"answer"`         // the envelope's code, or one of the above
	HTTP   int           `json:"http,omitempty"`
	Seen   *Seen         `json:"seen,omitempty"`  // what an answer or a message told of the code
	Terms  *Terms        `json:"terms,omitempty"` // of a Gene: how long its code lives
	Via    string        `json:"via,omitempty"`   // of a Show: the page's transport
}

// Seen is how a code stood, as somebody was told.
type Seen struct {
	Status  string `json:"status"` // the contract's event: waiting, scanned …
	Version int64  `json:"version"`
	User    string `json:"user,omitempty"` // scannedUserId
	Ticket  bool   `json:"ticket,omitempty"`
}

// Terms are a pool's times.
type Terms struct {
	Code    time.Duration `json:"code"`
	Confirm time.Duration `json:"confirm"`
	Ticket  time.Duration `json:"ticket"`
}

// Unknown reports whether nobody can say if the call has had, or will have,
// its effect.
func (e Event) Unknown() bool {
	return e.Answer == None || e.Answer == Busy || e.HTTP >= 500
}

// Strike is a fault, from its beginning until all was repaired.
type Strike struct {
	Kind   string        `json:"kind"`
	Target string        `json:"target"`
	Node   int           `json:"node"` // the node that was struck; -1: none was
	From   time.Duration `json:"from"`
	To     time.Duration `json:"to"`
	Alone  bool          `json:"alone"` // calm followed, so that its effect can be measured
	Lossy  bool          `json:"lossy"` // Redis may have lost writes that it had acknowledged
	Exit   string        `json:"exit,omitempty"`
	Gone   time.Duration `json:"gone,omitempty"` // when a node that was asked to leave had ended
}

// Log collects events from everybody.
type Log struct {
	began time.Time

	mu      sync.Mutex
	events  []Event
	strikes []Strike
}

// NewLog begins a history now.
func NewLog() *Log { return &Log{began: time.Now()} }

// Now is the time since the history began.
func (l *Log) Now() time.Duration { return time.Since(l.began) }

// Add notes an event.
func (l *Log) Add(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

// AddStrike notes a fault that is over.
func (l *Log) AddStrike(s Strike) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.strikes = append(l.strikes, s)
}

// File returns what was noted until now; to be read only.
func (l *Log) File() File {
	l.mu.Lock()
	defer l.mu.Unlock()
	return File{Events: slices.Clip(l.events), Strikes: slices.Clip(l.strikes), End: l.Now()}
}
