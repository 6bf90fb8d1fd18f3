//go:build !unix

package redistest

// Stop freezes the server where the system has a signal for that.
func (s *Server) Stop() { s.t.Fatal("freezing redis-server needs Unix signals") }

// Continue ends what Stop began.
func (s *Server) Continue() { s.t.Fatal("freezing redis-server needs Unix signals") }
