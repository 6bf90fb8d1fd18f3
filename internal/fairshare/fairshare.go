// Package fairshare decides which new codes a store that is nearly full still takes.
//
// It guarantees that below 80 % of the store everything is taken; that from there
// on, until usage is below 70 % again, nobody is refused who has at most an equal
// share of what was created lately, and no pool gets more than that; and that from
// 95 % on, until usage is below 90 %, nothing is taken. It knows what one node created, in bounded memory, and
// does no I/O: it is told the usage and the time.
package fairshare

import (
	"sync"
	"time"
)

// Parts of the store at which the decision changes. Between two measurements, a
// second apart, a node can create 3,000 codes of 4 KB, which is 5 % of 256 MB: so
// the step from the first bound to the second is longer than one measurement.
const (
	tightFrom = 0.80 // shares apply from here
	tightTo   = 0.70 // … until usage is below this
	fullFrom  = 0.95 // nothing is taken from here
	fullTo    = 0.90 // … until usage is below this
)

// Least is how many codes within a lifetime are never above a share: those of an
// office of some hundred people. Without it, who owns many networks could make the
// average so small that ordinary networks are above it.
const Least = 100

// LeastPart is the part of all codes that a network may have without being above its
// share: a flood from a thousand networks makes the equal share a thousandth, which
// a mobile operator's addresses exceed with their ordinary logins (measured: 211 of 1,001
// logins of another pool refused). A flood from more than fifty networks is left to the share of its pool.
const LeastPart = 1.0 / 50

// Verdict is what becomes of a new code.
type Verdict int

const (
	Taken        Verdict = iota
	PoolShare            // its pool has more than an equal share
	NetworkShare         // its network has
	Full                 // no new code is taken
)

// Level is how full the store is, with hysteresis.
type Level int

const (
	Normal  Level = iota // everything is taken
	Tight                // pools and networks above their share are refused
	NoSpace              // everything is refused
)

// Guard decides for one node. Make it with New.
type Guard struct {
	mu       sync.Mutex
	lifetime time.Duration
	level    Level
	began    time.Time // when Observe was first called; zero: never
	pools    *window
	networks *window
}

// New makes a guard; lifetime is how long the store keeps a code that nobody scans.
func New(lifetime time.Duration) *Guard {
	return &Guard{lifetime: lifetime, pools: newWindow(lifetime, 0), networks: newWindow(lifetime, LeastPart)}
}

// Observe takes a measurement of the store, 1 for full, and returns the level from
// now on and whether it has changed. An unknown usage is 0.
func (g *Guard) Observe(usage float64, now time.Time) (level Level, changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.level
	switch {
	case usage >= fullFrom, usage >= fullTo && before == NoSpace:
		g.level = NoSpace
	case usage >= tightFrom, usage >= tightTo && before != Normal:
		g.level = Tight
	default:
		g.level = Normal
	}
	g.fix(before, now)
	return g.level, g.level != before
}

// fix fixes the totals that shares are parts of, when the level leaves Normal. They
// stay until it is Normal again: so neither what is refused makes the shares
// smaller, nor a flood makes them larger. A node that finds the store filled when it
// starts knows no total; it goes by what it has counted until that is a lifetime's.
func (g *Guard) fix(before Level, now time.Time) {
	isFirst := g.began.IsZero()
	if isFirst {
		g.began = now
	}
	switch {
	case g.level == Normal:
		g.pools.fixed, g.networks.fixed = 0, 0
	case before == Normal && !isFirst, g.pools.fixed == 0 && now.Sub(g.began) >= g.lifetime:
		g.pools.fixed, g.networks.fixed = g.pools.total(now), g.networks.total(now)
	}
}

// Admit decides about a new code of a pool and of the network that asks for it; ""
// for a site, which asks for all of its users.
func (g *Guard) Admit(pool, network string, now time.Time) Verdict {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.level == NoSpace:
		return Full
	case g.level == Normal:
		return Taken
	case network != "" && g.networks.isAbove(network, now):
		return NetworkShare
	case g.pools.isAbove(pool, now):
		return PoolShare
	}
	return Taken
}

// Created counts a code; see Admit for its arguments.
func (g *Guard) Created(pool, network string, now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pools.add(pool, now)
	if network != "" {
		g.networks.add(network, now)
	}
}
