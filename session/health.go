package session

import (
	"context"
	"errors"
)

// Errors of a storage that answers but cannot store.
var (
	ErrFull    = errors.New("the store is full")
	ErrRefused = errors.New("the store refuses to write")
)

// Checker is a [Store] that can check whether it would store a step.
type Checker interface {
	// Check performs a step on a record that belongs to no code. It returns [ErrFull] if
	// the storage is full, [ErrRefused] if the storage refuses to write for another
	// reason, and any other error if it does not answer.
	Check(ctx context.Context) error
}

// Check returns nil if st answers and would store a step. If st neither is nor wraps a
// [Checker], Check loads a code that does not exist instead.
func Check(ctx context.Context, st Store) error {
	if c, ok := As[Checker](st); ok {
		return c.Check(ctx)
	}
	if _, err := st.Load(ctx, NewID()); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// Usage is the memory use of a storage, in bytes.
type Usage struct {
	Used int64
	Max  int64 // 0: unlimited or unknown
}

// Ratio returns the used part, from 0 to 1; 0 if Max is unknown.
func (u Usage) Ratio() float64 {
	if u.Max <= 0 {
		return 0
	}
	return float64(u.Used) / float64(u.Max)
}

// UsageReporter is a [Store] that can measure its storage.
type UsageReporter interface {
	// Usage asks the storage, and returns the usage of its fullest part if it has
	// several. An error means that the usage is unknown.
	Usage(ctx context.Context) (Usage, error)
}

// As returns the first T among st and the stores that it wraps. A wrapping store has a
// method Unwrap() Store.
func As[T any](st Store) (T, bool) {
	for st != nil {
		if found, ok := st.(T); ok {
			return found, true
		}
		wrapper, ok := st.(interface{ Unwrap() Store })
		if !ok {
			break
		}
		st = wrapper.Unwrap()
	}
	var none T
	return none, false
}
