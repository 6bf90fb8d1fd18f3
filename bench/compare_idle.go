package main

import (
	"context"
	"fmt"
	"time"
)

// settleTime is how long servers have to complete work after pages were opened.
const settleTime = 2 * time.Second

// pagesPerProcess is how many pages one child process holds, one open file each.
const pagesPerProcess = 15_000

// idleSystem is a system with its waiting pages.
type idleSystem struct {
	*system
	empty memory // without pages
	pages pageHolders
}

// idle measures what waiting pages cost. The pages of all kinds wait at the same
// time, and no server is measured while another one works.
func (r *comparing) idle(ctx context.Context) error {
	var all []*idleSystem
	for _, k := range r.turns(scanlogin, centrifuge, nchan, socket) {
		s, err := r.start(ctx, startOptions{kind: k, nodes: 1})
		if err != nil {
			return err
		}
		defer s.close()
		one := &idleSystem{system: s}
		defer one.pages.close()
		if err := one.warmUp(ctx); err != nil {
			return err
		}
		all = append(all, one)
	}
	if err := r.openInSteps(ctx, all); err != nil {
		return err
	}
	for _, one := range all {
		lost, err := one.pages.close()
		if err != nil {
			return err
		}
		r.record("idle.lost", one.kind, float64(lost))
	}
	return nil
}

// openInSteps opens each number of pages of --scale and measures the systems. Peers
// are measured only with --pages.
func (r *comparing) openInSteps(ctx context.Context, all []*idleSystem) error {
	for _, pages := range r.Scale {
		for _, one := range all {
			if one.kind != scanlogin && pages != r.Pages {
				continue
			}
			if err := r.openPages(ctx, one, pages); err != nil {
				return err
			}
		}
		if pages == r.Pages {
			if err := r.measureWaiting(ctx, all); err != nil {
				return err
			}
		}
		if err := r.measureMemory(ctx, all, pages); err != nil {
			return err
		}
	}
	return nil
}

// grow opens pages until there are as many. All must open.
func (one *idleSystem) grow(ctx context.Context, pages int) error {
	_, failed, why, err := one.pages.grow(ctx, one.system, pages, growth{perProcess: pagesPerProcess})
	if err == nil && failed > 0 {
		err = fmt.Errorf("%s: %d of %d pages could not be opened: %s", one.kind, failed, pages, why)
	}
	return err
}

// warmUp opens and closes the first pages, and measures the empty node.
func (one *idleSystem) warmUp(ctx context.Context) error {
	if err := one.grow(ctx, warmUpPages); err != nil {
		return err
	}
	if _, err := one.pages.close(); err != nil {
		return err
	}
	if err := pause(ctx, settleTime); err != nil {
		return err
	}
	var err error
	one.empty, err = one.last().memory(ctx)
	return err
}

// openPages opens pages until there are as many, and measures what that costs.
func (r *comparing) openPages(ctx context.Context, one *idleSystem, pages int) error {
	before, err := one.cpu(ctx)
	if err != nil {
		return err
	}
	fresh := pages - one.pages.open
	if err := one.grow(ctx, pages); err != nil {
		return err
	}
	if err := pause(ctx, settleTime); err != nil {
		return err
	}
	used, err := one.cpuSince(ctx, before)
	if err != nil {
		return err
	}
	progress("%s: %d pages wait", one.kind, pages)
	if pages == r.Pages {
		r.record("connect.cpu", one.kind, perItem(used.nodes, fresh))
		r.record("connect.redis", one.kind, perItem(used.redis, fresh))
	}
	return nil
}

// measureWaiting measures the CPU of servers while all pages wait.
func (r *comparing) measureWaiting(ctx context.Context, all []*idleSystem) error {
	before := make([]cpuTime, len(all))
	for i, one := range all {
		var err error
		if before[i], err = one.cpu(ctx); err != nil {
			return err
		}
	}
	if err := pause(ctx, r.Watch); err != nil {
		return err
	}
	for i, one := range all {
		used, err := one.cpuSince(ctx, before[i])
		if err != nil {
			return err
		}
		r.record("idle.cpu", one.kind, used.nodes.Seconds()/r.Watch.Seconds()*100)
		r.record("idle.redis", one.kind, used.redis.Seconds()/r.Watch.Seconds()*100)
		r.record("idle.page", one.kind, perItem(used.nodes, one.pages.open)/r.Watch.Seconds()*1000)
	}
	return nil
}

// measureMemory measures the memory of the systems that have so many pages.
func (r *comparing) measureMemory(ctx context.Context, all []*idleSystem, pages int) error {
	for _, one := range all {
		if one.pages.open != pages {
			continue
		}
		m, err := one.last().memory(ctx)
		if err != nil {
			return err
		}
		n := float64(pages)
		resident, live := (m.resident-one.empty.resident)/n, (m.live-one.empty.live)/n
		if pages == r.Pages {
			r.record("idle.resident", one.kind, resident)
			if one.last().ops != "" {
				r.record("idle.live", one.kind, live)
			}
		}
		if one.kind == scanlogin {
			r.record("scale.live", kind(fmt.Sprint(pages)), live)
			r.record("scale.resident", kind(fmt.Sprint(pages)), resident)
		}
	}
	return nil
}
