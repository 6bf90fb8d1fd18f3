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
	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/server/wire"
	"github.com/scanlogin/scanlogin/session"
)

const (
	commentInterval   = 15 * time.Second // between comments on a quiet event stream
	eventWriteTimeout = 10 * time.Second // for which a page may take nothing
	maxRetry          = 5000             // milliseconds after which a page reconnects
)

// Events tells the states of a view's code as server-sent events, until the last one,
// the client disconnects or the node stops. Errors, before anything is written:
// login.TooMany, hub.ErrStopped.
func (s *Server) Events(w http.ResponseWriter, r *http.Request, by *login.Caller, v login.View) error {
	if last, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil && last >= finalVersion(v.Code) {
		w.WriteHeader(http.StatusNoContent) // EventSource does not reconnect
		return nil
	}
	if err := s.login.AcquireConnection(by.IP); err != nil {
		return err
	}
	defer s.login.ReleaseConnection(by.IP)
	woken := wakeup.New()
	f, err := s.subscribe(v, woken.Set)
	if err != nil {
		return err
	}
	defer f.close()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would buffer the events
	out := stream{w, http.NewResponseController(w)}
	if out.write(": here\n\n") == nil {
		s.streamStates(r.Context(), f, out, woken)
	}
	return nil
}

// finalVersion returns the last version that a page needs: the exchange after a confirm does not
// concern it. It is math.MaxInt64 until the code is final.
func finalVersion(code session.Session) int64 {
	switch {
	case !isFinal(code.Status):
		return math.MaxInt64
	case code.Status != session.Confirmed && !code.ConfirmedAt.IsZero():
		return code.Version - 1
	}
	return code.Version
}

// streamStates writes the states of f until the final one, or the client disconnects. If it
// cannot continue, it tells the page to reconnect after a moment, to any node.
func (s *Server) streamStates(ctx context.Context, f *subscription, out stream, woken <-chan struct{}) {
	quiet := time.NewTicker(commentInterval)
	defer quiet.Stop()
	reconnect := fmt.Sprintf("retry: %d\n\n", rand.IntN(maxRetry+1)) // #nosec G404 -- it spreads load
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.stopping:
			_ = out.write(reconnect)
			return
		case <-quiet.C:
			if out.write(": still here\n\n") != nil {
				return
			}
		case <-woken:
			state, err := f.next()
			if errors.Is(err, errNothingNew) {
				continue
			}
			if err != nil {
				s.limitedLog.Log(ctx, slog.LevelWarn, "stream "+login.ErrorKind(err), "event stream ended", "pool", f.pool, "error", err)
				_ = out.write(reconnect)
				return
			}
			if out.event(wire.NewStatus(state)) != nil {
				return
			}
			f.noteDelivery()
			if isFinal(state.Snapshot.Status) {
				return
			}
		}
	}
}

// stream writes server-sent events. A write fails if the page reads nothing for eventWriteTimeout.
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
	_ = out.control.SetWriteDeadline(time.Now().Add(eventWriteTimeout))
	if _, err := out.Write([]byte(text)); err != nil {
		return err
	}
	return out.control.Flush()
}
