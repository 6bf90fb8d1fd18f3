package redisstore

import (
	"context"
	"errors"

	"github.com/scanlogin/scanlogin/session"
)

// readBatch is how many codes are read in one round trip: Redis is busy with
// them for 1.3 ms (INFO commandstats), which others have to wait.
const readBatch = 200

// reading is a read of one code: who wanted it, and what they were told, when
// it began.
type reading struct {
	id     session.ID
	code   *told
	before told
}

// markDue has codes read: Redis announces them from now on, and what was
// stored before is not known.
func (b *Bus) markDue(ids ...session.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range ids {
		if b.codes[id] != nil {
			b.due[id] = struct{}{}
			nudge(b.wake)
		}
	}
}

// reread reads what is due until ctx ends, beside what is announced meanwhile.
func (b *Bus) reread(ctx context.Context, deliver func(session.Snapshot, error)) {
	var p pauses
	for ctx.Err() == nil {
		batch := b.takeDue()
		if len(batch) == 0 {
			select {
			case <-ctx.Done():
			case <-b.wake:
			}
			continue
		}
		err := b.readAll(ctx, batch, deliver)
		if err == nil {
			p = pauses{}
			continue
		}
		if p.none() && ctx.Err() == nil {
			b.store.log.Warn("bus cannot read", "error", err)
		}
		p.wait(ctx)
	}
}

func (b *Bus) takeDue() []reading {
	b.mu.Lock()
	defer b.mu.Unlock()
	var batch []reading
	for id := range b.due {
		if len(batch) == readBatch {
			break
		}
		delete(b.due, id)
		batch = append(batch, reading{id, b.codes[id], *b.codes[id]})
	}
	return batch
}

// readAll reads a batch and delivers what it finds. What could not be read is
// due again, and the error says why.
func (b *Bus) readAll(ctx context.Context, batch []reading, deliver func(session.Snapshot, error)) (failed error) {
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
		if s, news, err := b.conclude(batch[i], found); news {
			deliver(s, err)
		}
	}
	return failed
}

// conclude turns what a read found, a session or ErrNotFound, into what is to
// be delivered. No news: nobody wants it, or a newer state was delivered
// meanwhile, or another read has to decide.
func (b *Bus) conclude(r reading, found result) (s session.Snapshot, news bool, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s = found.session.Snapshot()
	newest, gone := r.code, found.err != nil
	switch {
	case b.codes[r.id] != newest: // subscribed anew, with a read of its own
		return s, false, nil
	case gone && *newest != r.before: // made while it was looked for
		b.due[r.id] = struct{}{}
		nudge(b.wake)
		return s, false, nil
	case gone:
		*newest = told{}
		return session.Snapshot{ID: r.id}, true, session.ErrNotFound
	case r.before.contradicts(s):
		// What follows the bad news is measured by what is stored now.
		*newest = told{s.Version, s.Op}
		return session.Snapshot{ID: r.id}, true, session.ErrLost
	case s.Version > newest.version:
		*newest = told{s.Version, s.Op}
	}
	return s, s.Version == newest.version, nil
}
