// Package kv holds small records that nodes share besides codes: hashes, which expire,
// and documents, which stay and are replaced version by version.
//
// It guarantees that each version of a document is written once, even by concurrent
// writers, and that a write is visible to the next read on every node over the same
// storage. It does not know what the records mean. [Memory] is for one process,
// redisstore's is for many nodes.
package kv

import (
	"context"
	"errors"
	"time"
)

// ErrStale says that another version of a document is stored than the one that
// was to be replaced.
var ErrStale = errors.New("somebody else changed it meanwhile")

// Document is one version of something that stays; the zero Document is that of
// which none was stored.
type Document struct {
	Version int64  // rises by one with each change
	Op      string // tells two writers of the same version apart
	Text    string
}

// Shelf keeps sheets and documents, each under a name of letters, digits and
// colons. All of its methods may be called from many goroutines, and return by
// ctx's deadline. Errors other than ErrStale mean that the storage did not
// answer, and that what was asked for may or may not have happened.
type Shelf interface {
	// Put writes a field of a sheet, and has the sheet end at end, by the
	// storage's clock; one that has passed removes the sheet. It may be
	// repeated.
	Put(ctx context.Context, name, field, value string, end time.Time) error

	// Get returns the fields of sheets in the order of their names, none for
	// one that is not there (any more).
	Get(ctx context.Context, names ...string) ([]map[string]string, error)

	// Load returns a document as it is stored; have, without its text being
	// read, if it is that still.
	Load(ctx context.Context, name string, have Document) (Document, error)

	// Swap stores text as version, if version-1 is stored (for version 1:
	// nothing is), and announces it; else ErrStale.
	Swap(ctx context.Context, name string, version int64, text string) (Document, error)

	// Now estimates the storage's clock without I/O.
	Now() time.Time
}
