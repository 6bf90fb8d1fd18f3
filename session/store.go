package session

import (
	"context"
	"errors"
	"time"
)

// The first group of errors are refusals of the protocol, the second depend on what the
// caller showed ([Transition.Refusal] returns both), the third come from a Store, the fourth
// from a Bus.
var (
	ErrOver         = errors.New("the code has ended")
	ErrNotScanned   = errors.New("the code has not been scanned")
	ErrOtherUser    = errors.New("another user scanned the code")
	ErrUsed         = errors.New("the code has been confirmed or canceled")
	ErrNotConfirmed = errors.New("the code has not been confirmed")

	ErrOtherPool     = errors.New("the code belongs to another pool")
	ErrCredential    = errors.New("not a credential of the code")
	ErrVerifier      = errors.New("the verifier is missing or does not match the challenge of the code")
	ErrMatchRequired = errors.New("the code needs the number on the page")

	ErrNotFound = errors.New("no such code")
	ErrStale    = errors.New("a different version is stored")

	ErrLost = errors.New("the store lost a version that was announced")
)

// Store keeps sessions, and announces each version that it stores to every [Bus] on the
// same storage. Its methods may be called concurrently. Any error that is not named here
// means that the storage did not answer; the operation may or may not have happened.
type Store interface {
	// Load returns a session as it is now by the store's clock, with expiry applied, or
	// ErrNotFound if it does not exist or is no longer retained.
	Load(ctx context.Context, id ID) (Session, error)

	// Create stores s, as [Session.AsNew] returns it, if nothing is stored under its id,
	// and announces the snapshot, all or nothing. The operation is s.Op, or a new one if
	// that is empty. It returns the session as stored, also to a retry with the same
	// Op. Errors: ErrStale if something else is stored under the id; [ErrFull].
	Create(ctx context.Context, s Session) (Session, error)

	// Apply executes t on the stored session as [Transition.On] defines, by the store's
	// clock and atomically, in one round trip. A new version is announced, and its
	// record is deleted Retention after its end. Apply returns the session as it then
	// is, with expiry applied, and the outcome; a refusal is no error. If an error is
	// returned, the writes may have happened, and a call with the same t finds out.
	// Errors: ErrNotFound.
	Apply(ctx context.Context, id ID, t Transition) (Session, Outcome, error)

	// Now estimates the store's clock without I/O, for timers and the times of new
	// codes. Only Load and Apply decide whether a code has expired.
	Now() time.Time
}

// Bus delivers the stores' announcements to one process. It delivers complete states. A
// state may arrive late, twice or not at all, but after each Subscribe and after each
// reconnect the bus delivers the stored state.
type Bus interface {
	// Subscribe starts the delivery of codes. The stored state of each follows, also of
	// codes that were subscribed already; Subscribe does not wait for it. An error means
	// that ctx ended or that the bus does not run. It does not mean that the storage is
	// unavailable: the bus subscribes again by itself when the storage returns.
	Subscribe(ctx context.Context, ids ...ID) error

	// SubscribeNew starts the delivery of a code that is not stored yet. After nil, every
	// version that is stored is delivered, and until Created or Unsubscribe the bus does
	// not read the code, so it is not reported as missing. After an error (ctx ended, or the
	// storage cannot be reached) the code is subscribed, too, unless the bus has ended.
	SubscribeNew(ctx context.Context, id ID) error

	// Created ends what SubscribeNew began: s is stored, and its subscriber knows it. If
	// SubscribeNew failed, or an announcement may have been missed since, the stored state
	// follows as after Subscribe.
	Created(s Snapshot)

	// Unsubscribe stops the delivery of codes. A delivery in progress may still arrive.
	Unsubscribe(ctx context.Context, ids ...ID) error

	// Run delivers until ctx ends and returns ctx's error, or returns an error that
	// retrying cannot cure. It may be called once. deliver receives a state, or only
	// the ID with ErrNotFound (the storage no longer has the code) or ErrLost (the
	// storage has an older version than was delivered, or the same version by another
	// operation). deliver must not block; Run may call it concurrently.
	Run(ctx context.Context, deliver func(Snapshot, error)) error
}
