//go:build !linux

package server

// Waiting is how many sockets wait in the poller.
func (s *Server) Waiting() int { return 0 }
