package server

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
	"github.com/scanlogin/scanlogin/session"
)

const (
	maxWait      = 25 * time.Second // of a check (A.2)
	commentEvery = 15 * time.Second // on a quiet event stream (B.2)
	writeTime    = 10 * time.Second // for which a page may take nothing, on an event stream
	maxRetry     = 5000             // milliseconds after which a page comes back (B.2)
)

// await holds a check until there is a version above the one that the caller
// knows, its time is over, or the node stops, and returns the code as it is
// then. Nothing follows a code that is over.
func (s *Server) await(c *call, v login.View) (session.Session, error) {
	wait, known, err := waitOf(c, v.Code.Version)
	if err != nil || wait == 0 || v.Code.Version > known || v.Code.Status.Over() {
		return v.Code, err
	}
	if err := s.login.AcquireConnection(c.by.IP); err != nil {
		return v.Code, err
	}
	defer s.login.ReleaseConnection(c.by.IP)
	woken := make(chan struct{}, 1)
	f, err := s.follow(v.Pool, v.Code, v.Rights, func() { nudge(woken) })
	if err != nil {
		return v.Code, err
	}
	defer f.close()
	ctx, cancel := context.WithTimeout(c.Request().Context(), wait)
	defer cancel()
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(wait + writeTimeout))
	for f.told <= known {
		select {
		case <-woken:
			if _, err := f.news(); err != nil && !errors.Is(err, errNothingNew) {
				return v.Code, login.AsUnavailable(err)
			}
			continue
		case <-ctx.Done():
		case <-s.stopping:
		}
		break
	}
	code, _, err := s.login.Code(context.WithoutCancel(ctx), v.Code.ID)
	return code, err
}

// waitOf reads the query's `wait` in seconds and `version`.
func waitOf(c *call, found int64) (wait time.Duration, known int64, err error) {
	known = found
	if text := c.QueryParam("version"); text != "" {
		if known, err = strconv.ParseInt(text, 10, 64); err != nil {
			return 0, 0, malformed("version", "must be a whole number", "必须是整数")
		}
	}
	text := c.QueryParam("wait")
	if text == "" {
		return 0, known, nil
	}
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0) {
		return 0, 0, malformed("wait", "must be a number of seconds up to 25", "必须是不超过 25 的秒数")
	}
	return min(time.Duration(min(seconds, maxWait.Seconds())*float64(time.Second)), maxWait), known, nil
}

// events tells a code's states as server-sent events (B.2).
func (s *Server) events(c *call) error {
	v, err := s.view(c)
	if err != nil {
		return err
	}
	if last, err := strconv.ParseInt(c.Request().Header.Get("Last-Event-ID"), 10, 64); err == nil && last >= lastOfStory(v.Code) {
		return c.NoContent(http.StatusNoContent) // a page that has been told all stays away
	}
	if err := s.login.AcquireConnection(c.by.IP); err != nil {
		return err
	}
	defer s.login.ReleaseConnection(c.by.IP)
	woken := make(chan struct{}, 1)
	f, err := s.follow(v.Pool, v.Code, v.Rights, func() { nudge(woken) })
	if err != nil {
		return err
	}
	defer f.close()
	h := c.Response().Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would keep the events to itself
	out := stream{c.Response(), http.NewResponseController(c.Response())}
	if err := out.write(": here\n\n"); err != nil {
		return nil
	}
	return s.stream(c.Request().Context(), f, out, woken)
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
				s.quiet.Log(ctx, slog.LevelWarn, "stream "+kindOf(err), "event stream ended", "pool", f.pool.ID, "error", err)
				_ = out.write(elsewhere)
				return nil
			}
			if out.event(statusData(state)) != nil {
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

func (out stream) event(message status) error {
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
