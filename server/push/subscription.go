package push

import (
	"context"
	"errors"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
)

// subscription delivers the states of one code to one page: what sockets, event streams and
// checks that wait have in common. One goroutine at a time uses it.
type subscription struct {
	srv    *Server
	watch  *hub.Watch
	pool   string // id
	id     session.ID
	rights login.Rights

	newest    session.Snapshot // at first the code as it was loaded
	told      int64            // the newest version that next returned
	delivered bool             // the page has received a first state
}

// subscribe subscribes to the code of a view. wake is called when there may be a newer state;
// it is also called now, for the code as it was loaded. The errors are login.TooMany and
// hub.ErrStopped.
func (s *Server) subscribe(v login.View, wake func()) (*subscription, error) {
	if err := s.login.AcquireWatcher(v.Code.ID, v.Rights); err != nil {
		return nil, err
	}
	w, err := s.hub.Watch(v.Code.ID, wake)
	if err != nil {
		s.login.ReleaseWatcher(v.Code.ID, v.Rights)
		return nil, err
	}
	wake()
	return &subscription{srv: s, watch: w, pool: v.Pool.ID, id: v.Code.ID, rights: v.Rights, newest: v.Code.Snapshot()}, nil
}

// subscribeNew subscribes to a code that is created next, for the page that requested it, or
// returns hub.ErrStopped. Before next, created must be called.
func (s *Server) subscribeNew(id session.ID, wake func()) (*subscription, error) {
	w, err := s.hub.WatchNew(context.Background(), id, wake)
	if err != nil {
		return nil, err
	}
	return &subscription{srv: s, watch: w, id: id, rights: login.Rights{IsBrowser: true}}, nil
}

// created records that the code is stored, and that the page is told so along with the code:
// that is its first state.
func (f *subscription) created(v login.View) {
	f.pool, f.rights, f.newest = v.Pool.ID, v.Rights, v.Code.Snapshot()
	f.told, f.delivered = f.newest.Version, true
	f.watch.Created(f.newest)
}

// close ends the subscription; a second close does nothing.
func (f *subscription) close() {
	if f == nil || f.watch == nil {
		return
	}
	f.watch.Close()
	f.watch = nil
	f.srv.login.ReleaseWatcher(f.id, f.rights)
}

// errNothingNew is returned by next if the page has the newest state.
var errNothingNew = errors.New("nothing new")

// next returns the newest state if it was not returned before. Other errors than
// errNothingNew end the subscription: session.ErrLost, or those of the store. A code that
// vanished has expired.
func (f *subscription) next() (login.State, error) {
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
	state, err := f.srv.login.ShowSnapshot(context.Background(), snap, f.rights)
	if err != nil {
		return login.State{}, err
	}
	f.newest = state.Snapshot
	if f.newest.Version < snap.Version || f.newest.Version == snap.Version && f.newest.Op != snap.Op {
		return login.State{}, session.ErrLost
	}
	f.told = f.newest.Version
	return state, nil
}

// noteDelivery records that the page has received what next returned. The first state is how
// it found the code. Each later one is a step that it waited for, unless the code expired.
func (f *subscription) noteDelivery() {
	isStep := f.delivered && f.newest.Op != "" && !f.newest.ChangedAt.IsZero()
	f.delivered = true
	if isStep {
		f.srv.pushed(f.pool, max(0, f.srv.login.Now().Sub(f.newest.ChangedAt)))
	}
}

// isFinal reports whether a page needs no state after this one: the code has ended or is
// confirmed.
func isFinal(st session.Status) bool { return st.Over() || st == session.Confirmed }
