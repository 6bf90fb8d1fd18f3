package server

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/scanlogin/scanlogin/internal/fairqueue"
	"github.com/scanlogin/scanlogin/internal/ratelimit"
	"github.com/scanlogin/scanlogin/session"
)

var errNotKnown = errors.New("not known")

// CodesLately is what the server knows of an address.
func (s *Server) CodesLately(ctx context.Context, address string) (int, error) {
	known := s.lately.of(ctx, s.pools.All()[0], session.Session{Client: session.Client{IP: address}}, "")
	if known.codes == nil {
		return 0, errNotKnown
	}
	return *known.codes, nil
}

// SetCodesLately has it know that an address asked for so many codes.
func (s *Server) SetCodesLately(ctx context.Context, address string, codes int) {
	s.gates.shared.Enqueue(ctx, ratelimit.Reset(s.lately.slot(address, 0)), ratelimit.Reset(s.lately.slot(address, 1)))
	for range codes {
		s.gates.shared.Enqueue(ctx, s.lately.note(address))
	}
}

// KnownBrowser is what it knows of a user's browser, by its cookie.
func (s *Server) KnownBrowser(ctx context.Context, pool, user, cookie string) (bool, error) {
	known := s.lately.of(ctx, s.pools.ByID(pool), session.Session{CookieHash: cookieHash(cookie)}, user)
	if known.browser == nil {
		return false, errNotKnown
	}
	return *known.browser, nil
}

// Remember has it know that a user has confirmed for a code's browser.
func (s *Server) Remember(ctx context.Context, code session.Session, user string) {
	s.gates.shared.Enqueue(ctx, s.lately.remember(s.pools.ByID(code.Pool), user, browserName(code))...)
}

// Settled waits until what was told to the tally is there.
func (s *Server) Settled(ctx context.Context) { _, _ = s.gates.shared.Do(ctx) }

// HoldPictures takes all places for calls of pictures, until the function is called. The
// others wait for so long; 0: as long as always.
func (s *Server) HoldPictures(wait time.Duration) (free func()) {
	if wait > 0 {
		s.pictures.queue = fairqueue.NewSlots(picturesPerCore*runtime.GOMAXPROCS(0), maxPicturesWaiting, wait)
	}
	for range picturesPerCore * runtime.GOMAXPROCS(0) {
		_ = s.pictures.queue.Acquire(context.Background(), "")
	}
	return func() {
		for range picturesPerCore * runtime.GOMAXPROCS(0) {
			s.pictures.queue.Release()
		}
	}
}

// PicturesWaiting is how many calls wait for one.
func (s *Server) PicturesWaiting() int {
	_, waiting := s.pictures.queue.Usage()
	return waiting
}

// Places is how many handshakes run at once.
const Places = places

// Queued is how many wait.
func (s *Server) Queued() int {
	_, waiting := s.admission.Usage()
	return waiting
}

// Admission is how many places of handshakes are free, and how many handshakes wait.
func (s *Server) Admission() [2]int {
	free, waiting := s.admission.Usage()
	return [2]int{free, waiting}
}
