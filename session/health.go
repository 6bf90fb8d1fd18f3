package session

import (
	"context"
	"errors"
)

// Reasons why a storage that answers stores nothing.
var (
	ErrFull    = errors.New("the store is full")
	ErrRefused = errors.New("the store refuses to write")
)

// Checker is a [Store] that can tell whether it would store a step.
type Checker interface {
	// Check does what a step does, on a record that no code has, and returns why
	// it failed: [ErrFull] where the storage is full, [ErrRefused] where it answers
	// and refuses for another reason, anything else where it does not answer.
	Check(ctx context.Context) error
}

// Check reports whether st answers and would store a step. A store that is no
// [Checker], and wraps none, is asked for a code that does not exist.
func Check(ctx context.Context, st Store) error {
	if c, ok := As[Checker](st); ok {
		return c.Check(ctx)
	}
	if _, err := st.Load(ctx, NewID()); !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// Usage is how much of a storage is used, in bytes.
type Usage struct {
	Used int64
	Max  int64 // 0: there is no bound, or it is not known
}

// Ratio is the part that is used, 0 if there is no bound.
func (u Usage) Ratio() float64 {
	if u.Max <= 0 {
		return 0
	}
	return float64(u.Used) / float64(u.Max)
}

// Measured is a [Store] that can tell how full its storage is.
type Measured interface {
	// Usage asks the storage. Of a storage of several parts it is that of the
	// fullest. An error means that it is not known.
	Usage(ctx context.Context) (Usage, error)
}

// As returns the first of st and the stores that it wraps that is a T. A store
// that wraps another one has a method Unwrap() Store.
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
