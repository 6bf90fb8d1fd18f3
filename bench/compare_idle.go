package main

import (
	"context"
	"fmt"
	"time"
)

// warmUp is how many pages come and go before an empty node is measured, so
// that what a node needs once is not counted as a page's.
const warmUp = 200

// settled is how long servers have to finish what opening pages began.
const settled = 2 * time.Second

// idler is a subject with its waiting pages.
type idler struct {
	*subject
	empty memory
	crowd crowd
}

// idle measures what waiting pages cost, of all kinds at the same time: none is
// measured while another works.
func (r *run) idle(ctx context.Context) error {
	var all []*idler
	for _, k := range r.turns(scanlogin, centrifuge, nchan, socket) {
		s, err := r.start(ctx, k, 1)
		if err != nil {
			return err
		}
		defer s.close()
		one := &idler{subject: s}
		defer one.crowd.close()
		if err := one.warm(ctx); err != nil {
			return err
		}
		all = append(all, one)
	}
	for _, pages := range r.Scale {
		for _, one := range all {
			if one.kind != scanlogin && pages != r.Pages {
				continue
			}
			if err := r.fillUp(ctx, one, pages); err != nil {
				return err
			}
		}
		if pages == r.Pages {
			if err := r.heartbeats(ctx, all); err != nil {
				return err
			}
		}
		if err := r.scale(ctx, all, pages); err != nil {
			return err
		}
	}
	for _, one := range all {
		lost, err := one.crowd.close()
		if err != nil {
			return err
		}
		r.note("idle.lost", one.kind, float64(lost))
	}
	return nil
}

// warm has the first pages come and go, and measures the empty node.
func (one *idler) warm(ctx context.Context) error {
	if err := one.crowd.grow(ctx, one.subject, warmUp); err != nil {
		return err
	}
	if _, err := one.crowd.close(); err != nil {
		return err
	}
	if err := pause(ctx, settled); err != nil {
		return err
	}
	var err error
	one.empty, err = one.last().memory(ctx)
	return err
}

// fillUp opens pages until there are as many, and measures what that costs.
func (r *run) fillUp(ctx context.Context, one *idler, pages int) error {
	before, err := one.cpu()
	if err != nil {
		return err
	}
	fresh := pages - one.crowd.open
	if err := one.crowd.grow(ctx, one.subject, pages); err != nil {
		return err
	}
	if err := pause(ctx, settled); err != nil {
		return err
	}
	did, err := one.since(before)
	if err != nil {
		return err
	}
	say("%s: %d pages wait", one.kind, pages)
	if pages == r.Pages {
		r.note("connect.cpu", one.kind, perOne(did.nodes, fresh))
		r.note("connect.redis", one.kind, perOne(did.redis, fresh))
	}
	return nil
}

// heartbeats measures the CPU of servers whose pages only wait.
func (r *run) heartbeats(ctx context.Context, all []*idler) error {
	before := make([]work, len(all))
	for i, one := range all {
		var err error
		if before[i], err = one.cpu(); err != nil {
			return err
		}
	}
	if err := pause(ctx, r.Watch); err != nil {
		return err
	}
	for i, one := range all {
		did, err := one.since(before[i])
		if err != nil {
			return err
		}
		r.note("idle.cpu", one.kind, did.nodes.Seconds()/r.Watch.Seconds()*100)
		r.note("idle.redis", one.kind, did.redis.Seconds()/r.Watch.Seconds()*100)
		r.note("idle.page", one.kind, perOne(did.nodes, one.crowd.open)/r.Watch.Seconds()*1000)
	}
	return nil
}

// scale measures the memory of all that have so many pages.
func (r *run) scale(ctx context.Context, all []*idler, pages int) error {
	for _, one := range all {
		if one.crowd.open != pages {
			continue
		}
		m, err := one.last().memory(ctx)
		if err != nil {
			return err
		}
		n := float64(pages)
		resident, live := (m.resident-one.empty.resident)/n, (m.live-one.empty.live)/n
		if pages == r.Pages {
			r.note("idle.resident", one.kind, resident)
			if one.last().ops != "" {
				r.note("idle.live", one.kind, live)
			}
		}
		if one.kind == scanlogin {
			r.note("scale.live", kind(fmt.Sprint(pages)), live)
			r.note("scale.resident", kind(fmt.Sprint(pages)), resident)
		}
	}
	return nil
}

// perOne is the share of one of n, in milliseconds.
func perOne(d time.Duration, n int) float64 { return d.Seconds() * 1000 / float64(max(1, n)) }
