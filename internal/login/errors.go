package login

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/scanlogin/scanlogin/internal/authorization"
	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/risk"
	"github.com/scanlogin/scanlogin/session"
)

// Errors of the use cases, in addition to those of packages session and identity and the
// types below. A code that does not exist is [session.ErrNotFound]. Each may be wrapped
// with its cause.
var (
	ErrNoPool            = errors.New("no such user pool")
	ErrInvalidCode       = errors.New("the phone's code does not exist")
	ErrCredentials       = errors.New("pool credentials are required")
	ErrNotLoggedIn       = errors.New("the phone's user is not logged in")
	ErrOtherPool         = errors.New("the user is not in this user pool")
	ErrTicket            = errors.New("the ticket is invalid or has been used")
	ErrOrigin            = errors.New("the origin is not allowed")
	ErrMatchCode         = errors.New("the number that the page shows is required")
	ErrChallengeRequired = errors.New("the user pool requires a code challenge")
	ErrTypedCodesOff     = errors.New("the user pool offers no typed codes")
	ErrUnavailable       = errors.New("busy")

	// ErrWrongCredentials is an ErrCredentials: the id or the secret is wrong.
	ErrWrongCredentials = fmt.Errorf("%w, and these are wrong", ErrCredentials)
	// ErrNoVouching is an ErrNotLoggedIn: the pool knows its users by their tokens only.
	ErrNoVouching = fmt.Errorf("%w: vouching is off", ErrNotLoggedIn)
	// ErrNoIdentity is an identity.ErrRefused: the pool accepts no tokens.
	ErrNoIdentity = fmt.Errorf("%w: the pool has no identity", identity.ErrRefused)

	ErrVerifier           = errors.New("the code verifier does not match the challenge")
	ErrVerifierRequired   = fmt.Errorf("%w: it is missing", ErrVerifier)
	ErrVerifierUnexpected = fmt.Errorf("%w: the code has no challenge", ErrVerifier)
)

// TooMany is the error of a request that exceeds a limit.
type TooMany struct {
	RetryAfter time.Duration // 0: unknown
	CoolDown   bool          // the user canceled several times in a row
}

func (e TooMany) Error() string { return "too many requests" }

// StoreFull is the error for a new code while the store is nearly full.
type StoreFull struct{ RetryAfter time.Duration }

func (e StoreFull) Error() string { return "the store is nearly full" }

// IsAdmission reports whether err refused a new code before the store was asked.
func IsAdmission(err error) bool {
	var tooMany TooMany
	var full StoreFull
	return errors.As(err, &tooMany) || errors.As(err, &full)
}

// Blocked is the error of a confirm that the pool's consent rules block.
type Blocked struct{ Reasons []risk.Reason }

func (e Blocked) Error() string { return fmt.Sprintf("this login is blocked: %v", e.Reasons) }

// StepUpRequired is the error of a confirm by a user whose login to the app does not meet what
// the pool or the code requires.
type StepUpRequired struct{ Needed session.StepUp }

func (e StepUpRequired) Error() string { return "the user must log in again, as the step-up requires" }

// WrongNumber is the error of a confirm with another number than the page shows.
type WrongNumber struct{ Left int } // remaining tries; 0: the code has ended

func (e WrongNumber) Error() string { return fmt.Sprintf("wrong number, %d tries left", e.Left) }

// FieldError is the error of a request with an invalid field. Its text is for the client.
type FieldError struct {
	Field  string
	Reason FieldReason
}

// FieldReason is what is wrong with a field, in words that follow its name.
type FieldReason string

const (
	Required     FieldReason = "is required"
	NotS256      FieldReason = "must be S256"
	NotChallenge FieldReason = "must be 43 base64url characters: the SHA-256 of the verifier"
	NotVerifier  FieldReason = "must be 43 to 128 letters, digits and - . _ ~"
	NotTwoDigits FieldReason = "must be the two digits that the login page shows"
	NotAddress   FieldReason = "must be an IP address"
	NotUserID    FieldReason = "must be valid Unicode text of 1 to 255 bytes, without U+FFFD"
	NotUsername  FieldReason = "must be valid Unicode text, without U+FFFD"
)

func (e FieldError) Error() string { return e.Field + " " + string(e.Reason) }

// storeErrors are the errors of the store that callers decide on. Any other one means that
// the store did not answer.
var storeErrors = []error{
	session.ErrOver, session.ErrNotScanned, session.ErrUsed, session.ErrOtherUser, session.ErrNotFound, session.ErrNotConfirmed,
	authorization.ErrInvalid, authorization.ErrScope,
}

// isRefusal reports whether err is a refusal of a change: the code is as it was.
func isRefusal(err error) bool {
	return slices.ContainsFunc([]error{
		session.ErrOver, session.ErrNotScanned, session.ErrUsed, session.ErrOtherUser, session.ErrNotConfirmed,
		session.ErrOtherPool, session.ErrCredential,
	}, func(known error) bool { return errors.Is(err, known) })
}

// AsUnavailable returns an error of the store as ErrUnavailable, unless it is one that
// callers decide on.
func AsUnavailable(err error) error {
	if err == nil {
		return nil
	}
	for _, known := range storeErrors {
		if errors.Is(err, known) {
			return err
		}
	}
	return fmt.Errorf("%w: store: %w", ErrUnavailable, err)
}

// errCrowded is the cause of ErrUnavailable for an operation beyond maxInStore.
var errCrowded = errors.New("too many operations are under way")

// ErrorKind classifies the causes of errors that requests run into, so that each kind is
// logged by itself. There are few kinds; "" is one.
func ErrorKind(err error) string {
	switch {
	case errors.Is(err, identity.ErrUnavailable):
		return "identity"
	case errors.Is(err, context.DeadlineExceeded):
		return "deadline"
	case errors.Is(err, errCrowded):
		return "crowded"
	case errors.Is(err, session.ErrFull):
		return "full"
	}
	return replyKind.FindString(err.Error())
}

// replyKind is how the errors of Redis begin, such as OOM, READONLY, NOREPLICAS.
var replyKind = regexp.MustCompile(`\b(OOM|READONLY|NOREPLICAS|MISCONF|NOPERM|NOAUTH|WRONGPASS|LOADING|MASTERDOWN|CLUSTERDOWN|BUSY)\b`)

// RetryAfter returns the Retry-After of a 429 or 503, in whole seconds (RFC 9110, 10.2.3): the wait
// of err, rounded up. Without one it is a second: a connection may end, or the store recover, at
// any moment.
func RetryAfter(err error) string {
	var wait time.Duration
	if e, ok := errors.AsType[TooMany](err); ok {
		wait = e.RetryAfter
	} else if e, ok := errors.AsType[StoreFull](err); ok {
		wait = e.RetryAfter
	}
	return strconv.Itoa(max(1, int(math.Ceil(wait.Seconds()))))
}
