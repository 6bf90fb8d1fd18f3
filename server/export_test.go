package server

import (
	"context"
	"runtime"
	"time"
)

// Settled waits until all counts of the node are sent.
func (s *Server) Settled(ctx context.Context) { s.login.Flush(ctx) }

// HoldPictures takes all places for calls of pictures, until the function is called. The
// others wait for so long; 0: as long as always.
func (s *Server) HoldPictures(wait time.Duration) (free func()) {
	if wait > 0 {
		s.pictures.queue.maxWait = wait
	}
	for range picturesPerCore * runtime.GOMAXPROCS(0) {
		_ = s.pictures.queue.acquire(context.Background(), "")
	}
	return func() {
		for range picturesPerCore * runtime.GOMAXPROCS(0) {
			s.pictures.queue.release()
		}
	}
}

// PicturesWaiting is how many calls wait for one.
func (s *Server) PicturesWaiting() int {
	s.pictures.queue.mu.Lock()
	defer s.pictures.queue.mu.Unlock()
	return s.pictures.queue.waiting.len()
}

// Places is how many handshakes run at once.
const Places = places

// Queued is how many wait.
func (s *Server) Queued() int {
	s.admission.mu.Lock()
	defer s.admission.mu.Unlock()
	return s.admission.waiting.len()
}

// ConnectionsFor is how many connections so many files allow.
var ConnectionsFor = connectionsFor

// Admission is how many places of handshakes are free, and how many handshakes wait.
func (s *Server) Admission() [2]int {
	s.admission.mu.Lock()
	defer s.admission.mu.Unlock()
	return [2]int{s.admission.free, s.admission.waiting.len()}
}
