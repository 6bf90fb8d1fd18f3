//go:build !unix

package redistest

// Stop fails the test: this system has no signal for it.
func (s *Server) Stop() { s.t.Fatal("freezing redis-server needs Unix signals") }

// Continue fails the test.
func (s *Server) Continue() { s.t.Fatal("freezing redis-server needs Unix signals") }
