package server

// Waiting is how many sockets wait in the poller.
func (s *Server) Waiting() int {
	p := &s.sockets.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// BreakPoller has the poller take nobody any more.
func (s *Server) BreakPoller() {
	p := &s.sockets.poller
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fd = -1
}
