package redisstore

import (
	"context"
	"errors"

	"github.com/scanlogin/scanlogin/session"
)

// readBatch is the number of sessions read in one round trip. It keeps Redis busy for
// 1.3 ms (INFO commandstats), for which other clients wait.
const readBatch = 200

// read is one read of a session: the subscription, and what had been delivered to it,
// when the read began.
type read struct {
	id     session.ID
	state  *delivered
	before delivered
}

// markDue has sessions read.
func (b *Bus) markDue(ids ...session.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		b.setDue(id)
	}
}

// setDue has a session read, if it is watched and stored already; b.mu is held.
func (b *Bus) setDue(id session.ID) {
	if b.watched[id] != nil && b.newcomers[id] == nil {
		b.due[id] = struct{}{}
		b.readDue.Set()
	}
}

// reread reads due sessions until ctx ends. Announcements are delivered meanwhile.
func (b *Bus) reread(ctx context.Context, deliver func(session.Snapshot, error)) {
	var pause backoff
	for ctx.Err() == nil {
		batch := b.takeDue()
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
			case <-b.readDue:
			}
			continue
		}
		err := b.readAll(ctx, batch, deliver)
		if err == nil {
			if !pause.isNew() {
				b.store.log.Warn("watched codes can be read from redis again")
			}
			pause = backoff{}
			continue
		}
		if pause.isNew() && ctx.Err() == nil {
			b.store.log.Warn("cannot read watched codes from redis", "error", err)
		}
		pause.wait(ctx)
	}
}

func (b *Bus) takeDue() []read {
	b.mu.Lock()
	defer b.mu.Unlock()
	var batch []read
	for id := range b.due {
		if len(batch) == readBatch {
			break
		}
		delete(b.due, id)
		batch = append(batch, read{id, b.watched[id], *b.watched[id]})
	}
	return batch
}

// readAll reads a batch and delivers the states that are new. Sessions that could not be
// read become due again; the error is the reason.
func (b *Bus) readAll(ctx context.Context, batch []read, deliver func(session.Snapshot, error)) (failed error) {
	ids := make([]session.ID, len(batch))
	for i, r := range batch {
		ids[i] = r.id
	}
	b.reads.Add(int64(len(ids)))
	results, err := b.store.loadAll(ctx, ids)
	if err != nil {
		b.markDue(ids...)
		return err
	}
	for i, found := range results {
		if found.err != nil && !errors.Is(found.err, session.ErrNotFound) {
			failed = found.err
			b.markDue(ids[i])
			continue
		}
		if found.previous && b.followPrevious(ids[i]) {
			continue // read again when its channel is subscribed
		}
		if s, isNew, err := b.evaluate(batch[i], found); isNew {
			deliver(s, err)
		}
	}
	return failed
}

// evaluate turns the result of a read, a session or ErrNotFound, into a delivery. isNew is
// false if the session is no longer subscribed, if a newer state was delivered in the
// meantime, or if another read will decide.
func (b *Bus) evaluate(r read, found result) (s session.Snapshot, isNew bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s = found.session.Snapshot()
	newest, gone := r.state, found.err != nil
	switch {
	case b.watched[r.id] != newest: // subscribed again, with a read of its own
		return s, false, nil
	case gone && *newest != r.before: // created during the read
		b.due[r.id] = struct{}{}
		b.readDue.Set()
		return s, false, nil
	case gone:
		*newest = delivered{}
		return session.Snapshot{ID: r.id}, true, session.ErrNotFound
	case r.before.contradicts(s):
		// Later states are compared with what is stored now.
		*newest = delivered{s.Version, s.Op}
		return session.Snapshot{ID: r.id}, true, session.ErrLost
	case s.Version > newest.version:
		*newest = delivered{s.Version, s.Op}
	}
	return s, s.Version == newest.version, nil
}
