package fairshare_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/fairshare"
)

const life = 210 * time.Second

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// made counts n created codes.
func created(g *fairshare.Guard, n int, pool, network string, now time.Time) {
	for range n {
		g.Created(pool, network, now)
	}
}

func TestLevelsHaveHysteresis(t *testing.T) {
	g := fairshare.New(life)
	var got []fairshare.Level
	for _, usage := range []float64{.5, .79, .8, .75, .7, .69, .75, .96, .91, .89, .71, .96, .1, 0} {
		level, _ := g.Observe(usage, noon)
		got = append(got, level)
	}
	const n, tight, full = fairshare.Normal, fairshare.Limited, fairshare.Stopped
	if want := []fairshare.Level{n, n, tight, tight, tight, n, n, full, full, tight, tight, full, n, n}; !slices.Equal(got, want) {
		t.Errorf("levels %v, want %v", got, want)
	}
}

// decisions checks the decision about the next code of each pool and network.
func decisions(t *testing.T, g *fairshare.Guard, now time.Time, want map[[2]string]fairshare.Decision) {
	t.Helper()
	for who, decision := range want {
		if got := g.Admit(who[0], who[1], now); got != decision {
			t.Errorf("pool %q, network %q: %v, want %v", who[0], who[1], got, decision)
		}
	}
}

func TestOnlyTheFloodIsRefused(t *testing.T) {
	g := fairshare.New(life)
	created(g, 10_000, "flooded", "2001:db8:bad::/48", noon)
	created(g, 1_000, "flooded", "", noon) // a site's back end
	created(g, 2_000, "busy", "198.51.100.0/24", noon)
	created(g, 90, "small", "192.0.2.0/24", noon)
	decisions(t, g, noon, map[[2]string]fairshare.Decision{{"flooded", "2001:db8:bad::/48"}: fairshare.Admitted})
	g.Observe(.81, noon)
	decisions(t, g, noon, map[[2]string]fairshare.Decision{
		{"flooded", "2001:db8:bad::/48"}: fairshare.NetworkShare,
		{"small", "2001:db8:bad::/48"}:   fairshare.NetworkShare,
		{"flooded", "203.0.113.0/24"}:    fairshare.PoolShare,
		{"flooded", ""}:                  fairshare.PoolShare,
		{"busy", "198.51.100.0/24"}:      fairshare.Admitted,
		{"busy", ""}:                     fairshare.Admitted,
		{"small", "192.0.2.0/24"}:        fairshare.Admitted,
		{"new", "203.0.113.0/24"}:        fairshare.Admitted,
	})
	g.Observe(.95, noon)
	decisions(t, g, noon, map[[2]string]fairshare.Decision{{"small", ""}: fairshare.Full, {"busy", "198.51.100.0/24"}: fairshare.Full})
	g.Observe(.69, noon)
	decisions(t, g, noon, map[[2]string]fairshare.Decision{{"flooded", "2001:db8:bad::/48"}: fairshare.Admitted})
}

// TestALonePoolKeepsItsRate shows that the only active pool is not cut off during a flood, and
// leaves room for pools that become active later.
func TestALonePoolKeepsItsRate(t *testing.T) {
	g := fairshare.New(life)
	g.Observe(0, noon)
	for i := range 1_000 {
		created(g, 50, "only", fmt.Sprintf("10.%d.%d.0/24", i/256, i%256), noon)
	}
	g.Observe(.81, noon)
	decisions(t, g, noon, map[[2]string]fairshare.Decision{{"only", "10.0.1.0/24"}: fairshare.Admitted, {"only", ""}: fairshare.Admitted})
	created(g, 1, "only", "", noon)
	decisions(t, g, noon, map[[2]string]fairshare.Decision{{"only", "10.0.1.0/24"}: fairshare.PoolShare, {"late", ""}: fairshare.Admitted})
	later := noon.Add(life + life/10) // a tenth of it is forgotten
	decisions(t, g, later, map[[2]string]fairshare.Decision{{"only", "10.0.1.0/24"}: fairshare.Admitted})
}

// TestANodeStartedWhileFilledUsesItsRunningCounts shows that a new node does not use its empty
// count as the total.
func TestANodeStartedWhileFilledUsesItsRunningCounts(t *testing.T) {
	g := fairshare.New(life)
	for i := range 20 {
		now := noon.Add(time.Duration(i) * time.Second)
		g.Observe(.85, now)
		created(g, 50, "flooded", "", now)
		created(g, 10, "other", "", now)
	}
	later := noon.Add(20 * time.Second)
	decisions(t, g, later, map[[2]string]fairshare.Decision{{"flooded", ""}: fairshare.PoolShare, {"other", ""}: fairshare.Admitted})
}

// TestManyNetworksDoNotPushAnOfficeAboveItsShare has an attacker with 30,000 networks
// and two codes in each, so that the average is two.
func TestManyNetworksDoNotPushAnOfficeAboveItsShare(t *testing.T) {
	g := fairshare.New(life)
	for i := range 30_000 {
		created(g, 2, "flooded", fmt.Sprintf("2001:db8:%x::/48", i), noon)
	}
	created(g, fairshare.MinShare, "office", "192.0.2.0/24", noon)
	g.Observe(.85, noon)
	decisions(t, g, noon, map[[2]string]fairshare.Decision{
		{"office", "192.0.2.0/24"}:       fairshare.Admitted,
		{"flooded", "2001:db8:1::/48"}:   fairshare.PoolShare,
		{"flooded", "2001:db8:bad::/48"}: fairshare.PoolShare,
	})
}

// TestManyNetworksDoNotPushABusyNetworkAboveItsShare: an attacker with a thousand networks
// fills the store while the users of a mobile operator log in.
func TestManyNetworksDoNotPushABusyNetworkAboveItsShare(t *testing.T) {
	g := fairshare.New(life)
	g.Observe(0, noon)
	for i := range 1_000 {
		created(g, 76, "flooded", fmt.Sprintf("2001:db8:%x::/48", i), noon)
	}
	created(g, 1_500, "other", "192.0.2.0/24", noon)
	created(g, 1_600, "flooded", "2001:db8:bad::/48", noon)
	g.Observe(.81, noon)
	decisions(t, g, noon, map[[2]string]fairshare.Decision{
		{"other", "192.0.2.0/24"}:      fairshare.Admitted,
		{"other", "2001:db8:bad::/48"}: fairshare.NetworkShare,
		{"flooded", "2001:db8:1::/48"}: fairshare.PoolShare,
	})
}

// TestRefusalsDoNotShrinkShares shows that of two pools the larger one keeps its equal share
// of the total when the flood began.
func TestRefusalsDoNotShrinkShares(t *testing.T) {
	g := fairshare.New(life)
	g.Observe(0, noon)
	created(g, 9_000, "large", "", noon)
	created(g, 1_000, "small", "", noon)
	g.Observe(.8, noon)
	decisions(t, g, noon, map[[2]string]fairshare.Decision{{"large", ""}: fairshare.PoolShare})
	later := noon.Add(life + life/2) // half of it is forgotten
	created(g, 500, "small", "", later)
	decisions(t, g, later, map[[2]string]fairshare.Decision{{"large", ""}: fairshare.Admitted})
	created(g, 600, "large", "", later)
	decisions(t, g, later, map[[2]string]fairshare.Decision{{"large", ""}: fairshare.PoolShare})
}

func TestAFloodIsForgottenAfterTwoLifetimes(t *testing.T) {
	g := fairshare.New(life)
	created(g, 5_000, "flooded", "192.0.2.0/24", noon)
	later := noon.Add(2 * life)
	created(g, 2*fairshare.MinShare, "other", "198.51.100.0/24", later)
	g.Observe(.85, later)
	decisions(t, g, later, map[[2]string]fairshare.Decision{{"flooded", "192.0.2.0/24"}: fairshare.Admitted})
}

func TestMemoryForNetworksIsBounded(t *testing.T) {
	g := fairshare.New(life)
	for i := range 300_000 {
		g.Created("p", fmt.Sprintf("2001:db8:%x:%x::/64", i>>16, i&0xffff), noon)
	}
	if n := g.Networks(); n > 100_000 {
		t.Errorf("%d networks are counted", n)
	}
}

func BenchmarkAdmitAndCreated(b *testing.B) {
	g := fairshare.New(life)
	g.Observe(.85, noon)
	b.ReportAllocs()
	for b.Loop() {
		if g.Admit("p", "192.0.2.0/24", noon) == fairshare.Admitted {
			g.Created("p", "192.0.2.0/24", noon)
		}
	}
}
