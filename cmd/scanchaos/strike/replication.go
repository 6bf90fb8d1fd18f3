package strike

import (
	"context"
	"time"

	"github.com/scanlogin/scanlogin/cmd/scanchaos/history"
)

// unreplicated is the kind under which times are noted in which Redis behind
// Sentinel acknowledged writes that no replica may have. They are no fault that
// anybody chose: most faults may lead to a failover, sooner or later, or to
// none.
const unreplicated = "unreplicated"

// watchReplication notes these times until ctx ends. Each begins with the last
// look that found all well, because nobody knows what happened since.
func (d *Director) watchReplication(ctx context.Context) {
	well, broken := d.Log.Now(), false
	note := func() {
		d.Log.AddStrike(history.Strike{Kind: unreplicated, Target: "redis", Node: -1, From: well, To: d.Log.Now(), Lossy: true})
	}
	for {
		looked := d.Log.Now()
		replicated := d.Rig.Redis.IsReplicated(ctx)
		switch {
		case ctx.Err() != nil && broken:
			note()
			return
		case ctx.Err() != nil:
			return
		case replicated && broken:
			note()
		}
		if broken = !replicated; !broken {
			well = looked
		}
		sleep(ctx, 100*time.Millisecond)
	}
}
