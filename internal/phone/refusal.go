package phone

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// Kind classifies refusals for the phone. docs/phone.md lists what to show for each.
type Kind string

// The kinds of refusals.
const (
	LoginRequired      Kind = "login-required"
	OtherPool          Kind = "other-pool"
	InvalidCode        Kind = "invalid-code"
	CodeExpired        Kind = "code-expired"
	NotScanned         Kind = "not-scanned"
	CodeUsed           Kind = "code-used"
	OtherUser          Kind = "other-user"
	Blocked            Kind = "blocked"
	MatchCode          Kind = "match-code"
	StepUpRequired     Kind = "step-up-required"
	RateLimited        Kind = "rate-limited"
	Unavailable        Kind = "unavailable" // the step may or may not have been stored
	UnexpectedResponse Kind = "unexpected-response"
)

// kinds is the error table of docs/api.md, without the rows that refusal decides.
var kinds = map[int]Kind{
	2020: LoginRequired, 2036: OtherPool, 2241: InvalidCode, 2242: CodeExpired, 2243: NotScanned, 2244: CodeUsed,
	2245: OtherUser, 2248: Blocked, 2249: MatchCode, 2251: StepUpRequired, 429: RateLimited, 1000: Unavailable,
}

// defaultWait is for a refusal without Retry-After, in seconds.
const defaultWait = 5

// Refusal is a response other than success.
type Refusal struct {
	Kind       Kind
	Code       int     // of the server; 0 if it did not answer
	Message    string  // of the server, for the user
	RetryAfter int     // seconds; 0: not known
	StepUp     *StepUp // with StepUpRequired
	status     int
	cause      error
}

func (r *Refusal) Error() string {
	switch {
	case r.Code != 0:
		return fmt.Sprintf("refused (%d): %s", r.Code, r.Message)
	case r.cause != nil:
		return r.cause.Error()
	}
	return fmt.Sprintf("%d %s, but not as a scanlogin server", r.status, http.StatusText(r.status))
}

// refusal returns the Refusal for a response other than success.
func (a Answer) refusal(envelope map[string]json.RawMessage) *Refusal {
	number, hasCode := value[int](envelope["code"])
	message, hasMessage := text(envelope["message"])
	if !hasCode || !hasMessage || number == http.StatusOK {
		return a.otherRefusal()
	}
	r := &Refusal{Code: number, Message: message, RetryAfter: a.wait(0), status: a.Status}
	kind, known := kinds[number]
	switch {
	case known:
		r.Kind = kind
	case number == http.StatusInternalServerError && a.Status < 500: // the code of two errors
		r.Kind = InvalidCode
	case a.Status >= 500:
		r.Kind = Unavailable
	default:
		r.Kind = UnexpectedResponse
	}
	switch r.Kind {
	case StepUpRequired:
		r.StepUp = readStepUp(envelope["stepUp"])
	case RateLimited:
		r.RetryAfter = a.wait(defaultWait)
	}
	return r
}

// otherRefusal is for an answer without the server's envelope: from a proxy, or from a network that asks
// its users to log in and answers every request with a page of its own.
func (a Answer) otherRefusal() *Refusal {
	r := &Refusal{Kind: Unavailable, RetryAfter: a.wait(0), status: a.Status}
	switch {
	case a.Status == http.StatusTooManyRequests:
		r.Kind, r.RetryAfter = RateLimited, a.wait(defaultWait)
	case a.Status >= 400 && a.Status < 500 && a.Status != http.StatusRequestTimeout:
		r.Kind = UnexpectedResponse
	}
	return r
}
