package server

import (
	"context"
	"runtime"
	"time"

	"github.com/scanlogin/scanlogin/internal/fairqueue"
	"github.com/scanlogin/scanlogin/server/push"
)

// MaxConnections limits the open connections of a server, from accept on.
func MaxConnections(n int) func(*Options) { return func(o *Options) { o.maxConnections = n } }

// Settled waits until all counts of the node are sent.
func (s *Server) Settled(ctx context.Context) { s.login.Flush(ctx) }

// HoldPictures acquires all slots for pictures until free is called. Other requests wait for at most
// wait; 0: the default.
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

// PicturesWaiting returns the number of requests that wait for a slot.
func (s *Server) PicturesWaiting() int {
	_, waiting := s.pictures.queue.Usage()
	return waiting
}

// MaxHandshakes is the number of handshakes that run at once.
const MaxHandshakes = push.MaxHandshakes

// WaitingHandshakes returns the number of handshakes that wait.
func (s *Server) WaitingHandshakes() int {
	_, waiting := s.push.Handshakes()
	return waiting
}

// Admission returns the number of free slots for handshakes, and of handshakes that wait.
func (s *Server) Admission() [2]int {
	free, waiting := s.push.Handshakes()
	return [2]int{free, waiting}
}
