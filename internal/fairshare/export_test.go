package fairshare

// Networks returns the number of counted networks.
func (g *Guard) Networks() int { return len(g.networks.now.counts) + len(g.networks.old.counts) }
