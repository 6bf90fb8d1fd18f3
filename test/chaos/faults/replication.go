package faults

import (
	"context"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// unreplicated is the kind of the recorded periods in which a failover may have lost
// acknowledged writes (Sentinel mode). They are not injected: most faults can cause a
// failover, immediately, later or not at all.
const unreplicated = "unreplicated"

// lagResolution is how far a replica may be behind although IsReplicated is true: INFO
// reports the lag in whole seconds, and a lag of one second is normal.
const lagResolution = 2 * time.Second

// watchReplication records these periods until ctx ends: from the last check before a
// failover in which everything was replicated, to the first one after it.
func (inj *Injector) watchReplication(ctx context.Context) {
	replicated, epoch := inj.Log.Now(), ""
	record := func() {
		inj.Log.AddFault(history.Fault{Kind: unreplicated, Target: "redis", Node: -1, From: replicated - lagResolution, To: inj.Log.Now(), Lossy: true})
	}
	for ; ctx.Err() == nil; sleep(ctx, 100*time.Millisecond) {
		checked := inj.Log.Now()
		if !inj.Cluster.Redis.IsReplicated(ctx) {
			continue
		}
		now := inj.Cluster.Redis.Epoch(ctx)
		if now == "" {
			continue
		}
		if now != epoch && epoch != "" {
			record()
		}
		replicated, epoch = checked, now
	}
	if inj.Log.Now()-replicated > time.Second { // the state since then is unknown
		record()
	}
}
