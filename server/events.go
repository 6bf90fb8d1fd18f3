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

	"github.com/labstack/echo/v4"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/wakeup"
	"github.com/scanlogin/scanlogin/session"
)

const (
	maxWait      = 25 * time.Second // of a check (A.2)
	commentEvery = 15 * time.Second // on a quiet event stream (B.2)
	writeTime    = 10 * time.Second // for which a page may take nothing, on an event stream
	maxRetry     = 5000             // milliseconds after which a page comes back (B.2)
)

// seen is a code as a request to see it found it.
type seen struct {
	code session.Session
	pool *pool.Pool
	by   viewer
}

// asker is by whom checks of the code are counted: its browser apart from all
// others, or who saw the picture could use up what the page needs.
func (s seen) asker() string {
	if s.by.isBrowser {
		return string(s.code.ID) + " browser"
	}
	return string(s.code.ID)
}

// see loads the code that a request asks about, and works out what the caller
// may see of it.
func (s *Server) see(c echo.Context) (seen, error) {
	own, named, err := s.namedPool(c, "")
	if err != nil {
		return seen{}, err
	}
	if c.QueryParam("random") == "" {
		return seen{}, required("random")
	}
	id, err := session.ParseID(c.QueryParam("random"))
	var code session.Session
	var p *pool.Pool
	if err == nil {
		code, p, err = s.load(c.Request().Context(), id)
	}
	if err == nil && named && own.ID != p.ID {
		err = errNoCode
	}
	if err != nil {
		return seen{}, s.missed(c, err)
	}
	s.aboutSpan(c, p, code)
	by := view(p, code, s.proofOf(c, p))
	if !by.isBrowser {
		if err := s.mayLearn(c, code); err != nil {
			return seen{}, err
		}
	}
	if err := s.checkOrigin(c, p); err != nil {
		return seen{}, err
	}
	return seen{code, p, by}, nil
}

// await holds a check until there is a version above the one that the caller
// knows, its time is over, or the node stops, and returns the code as it is
// then. Nothing follows a code that is over.
func (s *Server) await(c echo.Context, at seen) (session.Session, error) {
	wait, known, err := waitOf(c, at.code.Version)
	if err != nil || wait == 0 || at.code.Version > known || at.code.Status.Over() {
		return at.code, err
	}
	done, err := s.occupy(c)
	if err != nil {
		return at.code, err
	}
	defer done()
	woken := wakeup.New()
	f, err := s.follow(at.pool, at.code, at.by, woken.Set)
	if err != nil {
		return at.code, err
	}
	defer f.close()
	ctx, cancel := context.WithTimeout(c.Request().Context(), wait)
	defer cancel()
	_ = http.NewResponseController(c.Response()).SetWriteDeadline(time.Now().Add(wait + writeTimeout))
	for f.told <= known {
		select {
		case <-woken:
			if _, _, err := f.news(); err != nil && !errors.Is(err, errNothingNew) {
				return at.code, busy(err)
			}
			continue
		case <-ctx.Done():
		case <-s.stopping:
		}
		break
	}
	code, _, err := s.load(context.WithoutCancel(ctx), at.code.ID)
	return code, err
}

// waitOf reads the query's `wait` in seconds and `version`.
func waitOf(c echo.Context, found int64) (wait time.Duration, known int64, err error) {
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
func (s *Server) events(c echo.Context) error {
	at, err := s.see(c)
	if err != nil {
		return err
	}
	if last, err := strconv.ParseInt(c.Request().Header.Get("Last-Event-ID"), 10, 64); err == nil && last >= lastOfStory(at.code) {
		return c.NoContent(http.StatusNoContent) // a page that has been told all stays away
	}
	done, err := s.occupy(c)
	if err != nil {
		return err
	}
	defer done()
	woken := wakeup.New()
	f, err := s.follow(at.pool, at.code, at.by, woken.Set)
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
			message, st, err := f.news()
			if errors.Is(err, errNothingNew) {
				continue
			}
			if err != nil {
				s.quiet.Log(ctx, slog.LevelWarn, "stream "+kindOf(err), "event stream ended", "pool", f.pool.ID, "error", err)
				_ = out.write(elsewhere)
				return nil
			}
			if out.event(message) != nil {
				return nil
			}
			f.wrote()
			if isStoryOver(st) {
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
