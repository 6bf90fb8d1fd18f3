package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/wire"
	"github.com/scanlogin/scanlogin/session"
)

const (
	commentEvery = 15 * time.Second // on a quiet event stream (B.2)
	writeTime    = 10 * time.Second // for which a page may take nothing, on an event stream
	maxRetry     = 5000             // milliseconds after which a page comes back (B.2)
)

// MaxWait is how long a check may wait.
const MaxWait = 25 * time.Second

// answerTime is how long the answer of a check that has waited may take: as long as that of
// any other request.
const answerTime = login.IdentifyTime + 5*time.Second

// WaitRequest says what a check waits for.
type WaitRequest struct {
	For   time.Duration // at most MaxWait; 0: not at all
	Known int64         // the version that the page knows
}

// Wait holds a check until there is a version above the one that the caller
// knows, its time is over, or the node stops, and returns the code as it is
// then. Nothing follows a code that is over.
func (s *Server) Wait(w http.ResponseWriter, r *http.Request, by *login.Caller, v login.View, req WaitRequest) (login.View, error) {
	wait, known := req.For, req.Known
	if wait == 0 || v.Code.Version > known || v.Code.Status.Over() {
		return v, nil
	}
	if err := s.login.AcquireConnection(by.IP); err != nil {
		return v, err
	}
	defer s.login.ReleaseConnection(by.IP)
	woken := make(chan struct{}, 1)
	f, err := s.follow(v.Pool, v.Code, v.Rights, func() { nudge(woken) })
	if err != nil {
		return v, err
	}
	defer f.close()
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(wait + answerTime))
	for f.told <= known {
		select {
		case <-woken:
			if _, err := f.news(); err != nil && !errors.Is(err, errNothingNew) {
				return v, login.AsUnavailable(err)
			}
			continue
		case <-ctx.Done():
		case <-s.stopping:
		}
		break
	}
	v.Code, _, err = s.login.Code(context.WithoutCancel(ctx), v.Code.ID)
	return v, err
}

// Events tells a code's states as server-sent events (B.2).
func (s *Server) Events(w http.ResponseWriter, r *http.Request, by *login.Caller, v login.View) error {
	if last, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil && last >= lastOfStory(v.Code) {
		w.WriteHeader(http.StatusNoContent) // a page that has been told all stays away
		return nil
	}
	if err := s.login.AcquireConnection(by.IP); err != nil {
		return err
	}
	defer s.login.ReleaseConnection(by.IP)
	woken := make(chan struct{}, 1)
	f, err := s.follow(v.Pool, v.Code, v.Rights, func() { nudge(woken) })
	if err != nil {
		return err
	}
	defer f.close()
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would keep the events to itself
	out := stream{w, http.NewResponseController(w)}
	if err := out.write(": here\n\n"); err != nil {
		return nil
	}
	return s.stream(r.Context(), f, out, woken)
}

// lastOfStory is the version with which a page has been told all: what follows a
// confirmed one is the site's business. Before the end it is out of reach.
func lastOfStory(code session.Session) int64 {
	switch {
	case !isStoryOver(code.Status):
		return math.MaxInt64
	case code.Status != session.Confirmed && !code.ConfirmedAt.IsZero():
		return code.Version - 1
	}
	return code.Version
}

// stream tells what f hears until the story is over or the page has gone. If it
// cannot go on, the page is told to come back after a moment, to any node.
func (s *Server) stream(ctx context.Context, f *follower, out stream, woken <-chan struct{}) error {
	quiet := time.NewTicker(commentEvery)
	defer quiet.Stop()
	elsewhere := fmt.Sprintf("retry: %d\n\n", rand.IntN(maxRetry+1)) // #nosec G404 -- it spreads load
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.stopping:
			_ = out.write(elsewhere)
			return nil
		case <-quiet.C:
			if out.write(": still here\n\n") != nil {
				return nil
			}
		case <-woken:
			state, err := f.news()
			if errors.Is(err, errNothingNew) {
				continue
			}
			if err != nil {
				s.limitedLog.Log(ctx, slog.LevelWarn, "stream "+login.ErrorKind(err), "event stream ended", "pool", f.pool.ID, "error", err)
				_ = out.write(elsewhere)
				return nil
			}
			if out.event(wire.NewStatus(state)) != nil {
				return nil
			}
			f.wrote()
			if isStoryOver(state.Snapshot.Status) {
				return nil
			}
		}
	}
}

// stream writes an event stream; a page that does not take it is dropped.
type stream struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (out stream) event(message wire.Status) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	return out.write(fmt.Sprintf("event: status\nid: %d\ndata: %s\n\n", message.Version, text))
}

func (out stream) write(text string) error {
	_ = out.control.SetWriteDeadline(time.Now().Add(writeTime))
	if _, err := out.Write([]byte(text)); err != nil {
		return err
	}
	return out.control.Flush()
}

// nudge puts a token into a channel that holds one.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
