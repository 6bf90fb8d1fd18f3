package redisstore

import (
	"context"
	"errors"

	"github.com/scanlogin/scanlogin/session"
)

// sampleSize is how many codes are looked at with each probe. Redis is busy with
// them for 0.2 ms. Where one master of three lost all it had, 32 codes miss it
// twice in a million times.
const sampleSize = 32

// sample reads some of the codes of which a state was delivered, and has all
// read if one of them contradicts it: Redis can lose what it had, to a FLUSHALL
// or a restart behind a proxy, while the connection of the bus stays as it was.
func (b *Bus) sample(ctx context.Context) error {
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
			b.store.log.Warn("redis lost what it had, all codes are read again")
			b.markAllDue()
			return nil
		}
	}
	return nil
}

func (b *Bus) takeSample() []reading {
	b.mu.Lock()
	defer b.mu.Unlock()
	var batch []reading
	for id, t := range b.codes { // in no order
		if len(batch) == sampleSize {
			break
		}
		if t.version > 0 {
			batch = append(batch, reading{id, t, *t})
		}
	}
	return batch
}

func (b *Bus) markAllDue() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for id := range b.codes {
		b.due[id] = struct{}{}
	}
	nudge(b.wake)
}
