package server

import (
	"context"
	"runtime"
	"time"

	"github.com/scanlogin/scanlogin/internal/fairqueue"
	"github.com/scanlogin/scanlogin/server/push"
)

// Settled waits until all counts of the node are sent.
func (s *Server) Settled(ctx context.Context) { s.login.Flush(ctx) }

// HoldPictures takes all slots for calls of pictures, until the function is called. The
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

// MaxHandshakes is how many handshakes run at once.
const MaxHandshakes = push.MaxHandshakes

// WaitingHandshakes is how many handshakes wait.
func (s *Server) WaitingHandshakes() int {
	_, waiting := s.push.Handshakes()
	return waiting
}

// Admission is how many more handshakes may begin, and how many handshakes wait.
func (s *Server) Admission() [2]int {
	free, waiting := s.push.Handshakes()
	return [2]int{free, waiting}
}
