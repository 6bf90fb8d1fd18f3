// Package kv stores small records that nodes share besides sessions: hashes, which
// expire, and documents, which stay and are replaced version by version.
//
// It guarantees that each version of a document is written once, even by concurrent
// writers, and that a write is visible to the next read on every node over the same
// storage. A [Change] of a hash depends on its fields and is atomic. The package does not
// know what the records mean. [Memory] is for one process, [Redis]
// for many nodes.
package kv

import (
	"context"
	"errors"
	"time"
)

// ErrStale means that the stored version of a document is not the one to be replaced.
var ErrStale = errors.New("the document was changed in the meantime; load it and try again")

// Document is one version of a document. The zero Document means that none is stored.
type Document struct {
	Version int64  // increases by one with each change
	Op      string // distinguishes two writers of the same version
	Text    string
}

// Change is a change of a hash that depends on what is stored.
type Change struct {
	If     map[string]string // values that fields must have; "" stands for a missing field
	Set    map[string]string // at least one field
	Expiry time.Time         // of the whole hash, as in Put
	// Durable says that the change must not be lost in a failover: a storage with
	// replicas waits for as many as are configured, and too few are an error.
	Durable bool
}

// Store stores hashes and documents under names of letters, digits and colons. All
// methods may be called concurrently and return by ctx's deadline. An error other than
// ErrStale means that the storage did not answer: the operation may or may not have been
// done.
type Store interface {
	// Put sets a field of a hash, and the time at which the whole hash expires, by the
	// storage's clock; a time in the past deletes the hash. It may be repeated.
	Put(ctx context.Context, name, field, value string, expiry time.Time) error

	// Change does c if the conditions hold, as one atomic operation. It returns the
	// fields as they are afterwards, and whether they have the values of c.Set: a change
	// that is repeated, by this or another caller, is done as well.
	Change(ctx context.Context, name string, c Change) (fields map[string]string, done bool, err error)

	// Get returns the fields of hashes in the order of names; none for a hash that does
	// not exist or has expired.
	Get(ctx context.Context, names ...string) ([]map[string]string, error)

	// Load returns the stored document, or have, without reading the text again, if
	// that is the stored version.
	Load(ctx context.Context, name string, have Document) (Document, error)

	// Swap stores text as version if version-1 is stored (for version 1: nothing is),
	// and announces it. Otherwise it returns ErrStale.
	Swap(ctx context.Context, name string, version int64, text string) (Document, error)

	// Now estimates the storage's clock without I/O.
	Now() time.Time
}
