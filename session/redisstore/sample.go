package redisstore

import (
	"context"
	"errors"

	"github.com/scanlogin/scanlogin/session"
)

// sampleSize is the number of sessions that are checked with each probe, for which Redis
// is busy for 0.2 ms. If one master of three has lost its data, 32 random sessions miss
// that twice in a million times.
const sampleSize = 32

// checkSample reads some of the delivered sessions, and has all of them read if one
// contradicts what was delivered: Redis can lose data to a FLUSHALL, or to a restart behind
// a proxy, while the bus stays connected.
func (b *Bus) checkSample(ctx context.Context) error {
	batch := b.takeSample()
	if len(batch) == 0 {
		return nil
	}
	ids := make([]session.ID, len(batch))
	for i, r := range batch {
		ids[i] = r.id
	}
	results, err := b.store.loadAll(ctx, ids)
	if err != nil {
		return err
	}
	for i, found := range results {
		gone := errors.Is(found.err, session.ErrNotFound)
		if gone || found.err == nil && batch[i].before.contradicts(found.session.Snapshot()) {
			b.store.log.Warn("redis lost data, reading all watched codes again")
			b.markAllDue()
			return nil
		}
	}
	return nil
}

func (b *Bus) takeSample() []read {
	b.mu.Lock()
	defer b.mu.Unlock()
	var batch []read
	for id, d := range b.watched { // map order is random
		if len(batch) == sampleSize {
			break
		}
		if d.version > 0 && b.newcomers[id] == nil {
			batch = append(batch, read{id, d, *d})
		}
	}
	return batch
}

func (b *Bus) markAllDue() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.watched {
		b.setDue(id)
	}
}
