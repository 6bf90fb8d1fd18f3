package server

import (
	"context"

	"github.com/scanlogin/scanlogin/session"
)

// transition applies a change to a loaded code, stores the result and emits its event.
// It is the only way in which the server changes a code. stored is false if the change
// repeats what an earlier request already did; then nothing is emitted.
func (s *Server) transition(ctx context.Context, code session.Session, c session.Change, by caller) (_ session.Session, stored bool, err error) {
	c.Op = session.NewOpID()
	err = s.withStore(ctx, func(ctx context.Context) (err error) {
		code, err = session.Apply(ctx, s.store, code, c)
		return err
	})
	stored = err == nil && code.Op == c.Op
	if stored {
		s.emit(c.EventKind(code), code, by)
	}
	return code, stored, err
}
