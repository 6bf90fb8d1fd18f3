package fairshare

// Networks is how many networks are held.
func (g *Guard) Networks() int { return len(g.networks.now.counts) + len(g.networks.old.counts) }
