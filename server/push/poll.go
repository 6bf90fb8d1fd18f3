package push

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/wakeup"
)

// MaxWait is how long a check may wait.
const MaxWait = 25 * time.Second

// answerTime is how long a client may take to read the answer: as long as that of any other
// request.
const answerTime = login.IdentifyTime + 5*time.Second

// WaitRequest contains the parameters of a check that waits.
type WaitRequest struct {
	For   time.Duration // at most MaxWait; 0: not at all
	Known int64         // the version that the page knows
}

// Wait waits until the code of v has a newer version than the page knows, the time has passed, or
// the node stops, and returns v with the current code. It does not wait if the code has ended, or if
// its version is older: the store lost the one that the page shows. It extends the write deadline of w.
//
// Errors: login.TooMany, hub.ErrStopped, session.ErrNotFound, login.ErrUnavailable.
func (s *Server) Wait(w http.ResponseWriter, r *http.Request, by *login.Caller, v login.View, req WaitRequest) (login.View, error) {
	if req.For == 0 || v.Code.Version != req.Known || v.Code.Status.Over() {
		return v, nil
	}
	if err := s.login.AcquireConnection(by.IP); err != nil {
		return v, err
	}
	defer s.login.ReleaseConnection(by.IP)
	woken := wakeup.New()
	f, err := s.subscribe(v, woken.Set)
	if err != nil {
		return v, err
	}
	defer f.close()
	ctx, cancel := context.WithTimeout(r.Context(), req.For)
	defer cancel()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(req.For + answerTime))
	if err := s.awaitNewer(ctx, f, woken, req.Known); err != nil {
		return v, err
	}
	v.Code, _, err = s.login.Code(context.WithoutCancel(ctx), v.Code.ID)
	return v, err
}

// awaitNewer returns when f has returned a newer version, ctx ends or the node stops.
func (s *Server) awaitNewer(ctx context.Context, f *subscription, woken <-chan struct{}, version int64) error {
	for f.told <= version {
		select {
		case <-woken:
			if _, err := f.next(); err != nil && !errors.Is(err, errNothingNew) {
				return login.AsUnavailable(err)
			}
		case <-ctx.Done():
			return nil
		case <-s.stopping:
			return nil
		}
	}
	return nil
}
