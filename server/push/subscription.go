package push

import (
	"context"
	"errors"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// follower follows one code for one viewer: what sockets, event streams and
// waiting checks have in common. It is for one goroutine at a time.
type follower struct {
	srv   *Server
	watch *hub.Watch
	pool  *pool.Pool
	id    session.ID
	sees  login.Rights

	newest session.Snapshot // that was seen: at first the code as it was loaded
	told   int64            // the newest version that news returned
	begun  bool             // the viewer has got a first status
}

// follow follows a loaded code; wake is called when there may be news, which
// there is at once: the code as it was loaded. The errors are login.TooMany
// and hub.ErrStopped.
func (s *Server) follow(p *pool.Pool, code session.Session, sees login.Rights, wake func()) (*follower, error) {
	if err := s.login.AcquireWatcher(code.ID, sees); err != nil {
		return nil, err
	}
	w, err := s.hub.Watch(code.ID, wake)
	if err != nil {
		s.login.ReleaseWatcher(code.ID, sees)
		return nil, err
	}
	wake()
	return &follower{srv: s, watch: w, pool: p, id: code.ID, sees: sees, newest: code.Snapshot()}, nil
}

// close ends it; a second close does nothing.
func (f *follower) close() {
	if f == nil || f.watch == nil {
		return
	}
	f.watch.Close()
	f.watch = nil
	f.srv.login.ReleaseWatcher(f.id, f.sees)
}

// errNothingNew is what news returns when the viewer knows all there is.
var errNothingNew = errors.New("nothing new")

// news returns the newest state, if the viewer was not told it. Other errors than
// errNothingNew end the following: session.ErrLost, or what the store said. A code that
// vanished is expired.
func (f *follower) news() (login.State, error) {
	snap, err := f.watch.Latest()
	switch {
	case errors.Is(err, session.ErrNotFound):
		if snap = f.newest; !snap.Status.Over() {
			snap.Version, snap.Op, snap.Status = snap.Version+1, "", session.Expired
		}
	case err != nil:
		return login.State{}, err
	case snap.Version == f.newest.Version && snap.Op != f.newest.Op:
		return login.State{}, session.ErrLost // another history than the one that was loaded
	case snap.Version < f.newest.Version:
		snap = f.newest
	}
	if snap.Version <= f.told {
		return login.State{}, errNothingNew
	}
	f.newest = snap
	state, err := f.srv.login.ShowSnapshot(context.Background(), snap, f.sees)
	if err != nil {
		return login.State{}, err
	}
	if f.newest = state.Snapshot; f.newest.Version < snap.Version || f.newest.Version == snap.Version && f.newest.Op != snap.Op {
		return login.State{}, session.ErrLost
	}
	f.told = f.newest.Version
	return state, nil
}

// wrote notes that the viewer has got what news returned. The first status is
// how it found the code; each later one is a step that it waited for, unless
// time made it.
func (f *follower) wrote() {
	step := f.begun && f.newest.Op != "" && !f.newest.ChangedAt.IsZero()
	f.begun = true
	if step && f.srv.pushed != nil {
		f.srv.pushed(f.pool.ID, max(0, f.srv.login.Now().Sub(f.newest.ChangedAt)))
	}
}

// isStoryOver reports whether a page has nothing more to learn of a code: it is
// over, or its ticket is there.
func isStoryOver(st session.Status) bool { return st.Over() || st == session.Confirmed }
