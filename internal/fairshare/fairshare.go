// Package fairshare decides which new codes are admitted while the store is filling up.
//
// It guarantees that all codes are admitted below 80 % usage; that from 80 % on, until usage
// is below 70 % again, a pool or network with at most an equal share of the recently created
// codes is admitted, and a pool above its share is refused; and that from 95 % on, until
// usage is below 90 %, no code is admitted. It counts the codes that this node created, in
// bounded memory, and does no I/O: the caller passes usage and time.
package fairshare

import (
	"sync"
	"time"
)

// Usage thresholds. Between two measurements, one second apart, a node can create 3,000
// codes of 4 KB, which is 5 % of 256 MB; the distance between the first and the second
// threshold is larger than that.
const (
	limitFrom = 0.80 // shares apply from here
	limitTo   = 0.70 // … until usage is below this
	fullFrom  = 0.95 // no code is admitted from here
	fullTo    = 0.90 // … until usage is below this
)

// MinShare is the number of codes per lifetime that is never above a share: an office of a
// few hundred people. Without it, an attacker with many networks could make the average so
// small that ordinary networks are above it.
const MinShare = 100

// MinNetworkPart is the part of all codes that a network may have without being above its
// share. A flood from a thousand networks makes the equal share a thousandth, which a
// mobile operator's addresses exceed with their ordinary logins (measured: 211 of 1,001
// logins of another pool refused). A flood from more than fifty networks is limited by the share of its pool.
const MinNetworkPart = 1.0 / 50

// Decision says whether a new code is admitted, and if not, why.
type Decision int

const (
	Admitted     Decision = iota
	PoolShare             // its pool has more than an equal share
	NetworkShare          // its network has more than an equal share
	Full                  // no new code is admitted
)

// Level is how full the store is, with hysteresis.
type Level int

const (
	Normal  Level = iota // all new codes are admitted
	Limited              // pools and networks above their share are refused
	Stopped              // all new codes are refused
)

// Guard decides for one node. Create it with New.
type Guard struct {
	mu       sync.Mutex
	lifetime time.Duration
	level    Level
	began    time.Time // when Observe was first called; zero: never
	pools    *window
	networks *window
}

// New returns a guard. lifetime is how long the store keeps a code that is not scanned.
func New(lifetime time.Duration) *Guard {
	return &Guard{lifetime: lifetime, pools: newWindow(lifetime, 0), networks: newWindow(lifetime, MinNetworkPart)}
}

// Observe takes a measured usage (1 is full, 0 if unknown), and returns the new level and
// whether it has changed.
func (g *Guard) Observe(usage float64, now time.Time) (level Level, changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.level
	switch {
	case usage >= fullFrom, usage >= fullTo && before == Stopped:
		g.level = Stopped
	case usage >= limitFrom, usage >= limitTo && before != Normal:
		g.level = Limited
	default:
		g.level = Normal
	}
	g.freezeTotals(before, now)
	return g.level, g.level != before
}

// freezeTotals stores the totals from which shares are computed when the level leaves Normal.
// They stay until it is Normal again, so that refusals do not shrink the shares and a flood
// does not grow them. A node that starts while the store is filled has no total; it uses its
// running counts during its first lifetime.
func (g *Guard) freezeTotals(before Level, now time.Time) {
	isFirst := g.began.IsZero()
	if isFirst {
		g.began = now
	}
	switch {
	case g.level == Normal:
		g.pools.frozen, g.networks.frozen = 0, 0
	case before == Normal && !isFirst, g.pools.frozen == 0 && now.Sub(g.began) >= g.lifetime:
		g.pools.frozen, g.networks.frozen = g.pools.total(now), g.networks.total(now)
	}
}

// Admit decides about a new code of a pool, requested from a network; "" for a site, which
// requests codes for all of its users.
func (g *Guard) Admit(pool, network string, now time.Time) Decision {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.level == Stopped:
		return Full
	case g.level == Normal:
		return Admitted
	case network != "" && g.networks.isAbove(network, now):
		return NetworkShare
	case g.pools.isAbove(pool, now):
		return PoolShare
	}
	return Admitted
}

// Created counts a code. The parameters are those of Admit.
func (g *Guard) Created(pool, network string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pools.add(pool, now)
	if network != "" {
		g.networks.add(network, now)
	}
}
