package faults

import (
	"context"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// unreplicated is the kind under which times are noted in which Redis behind
// Sentinel acknowledged writes that a failover lost. They are no fault that
// anybody chose: most faults may lead to a failover, sooner or later, or to
// none.
const unreplicated = "unreplicated"

// unsaid is for how long a replica may have been behind at a look that found it
// well: the lag that INFO tells is in whole seconds, and one is usual.
const unsaid = 2 * time.Second

// watchReplication notes these times until ctx ends: from the last look that
// found all replicated before a failover, to the first that did after it. What
// happened between two looks nobody knows.
func (d *Director) watchReplication(ctx context.Context) {
	well, epoch := d.Log.Now(), ""
	note := func() {
		d.Log.AddStrike(history.Strike{Kind: unreplicated, Target: "redis", Node: -1, From: well - unsaid, To: d.Log.Now(), Lossy: true})
	}
	for ; ctx.Err() == nil; sleep(ctx, 100*time.Millisecond) {
		looked := d.Log.Now()
		if !d.Rig.Redis.IsReplicated(ctx) {
			continue
		}
		now := d.Rig.Redis.Epoch(ctx)
		if now == "" {
			continue
		}
		if now != epoch && epoch != "" {
			note()
		}
		well, epoch = looked, now
	}
	if d.Log.Now()-well > time.Second { // how it went on is not known
		note()
	}
}
