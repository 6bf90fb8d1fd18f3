package wsconn

// len returns the number of connections that wait.
func (p *poller) len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.waiting)
}

// fail makes the poller accept no connection any more.
func (p *poller) fail() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fd = -1
}
