package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// settleTime is how long servers have to complete work after pages were opened.
const settleTime = 2 * time.Second

// pagesPerProcess is how many pages one child process holds, one open file each.
const pagesPerProcess = 15_000

// waitingSystem is a system with its waiting pages.
type waitingSystem struct {
	*system
	empty float64 // resident bytes without pages
	pages pageHolders
}

// wait measures what it costs until a page shows its code, and what waiting pages
// cost. The pages of both kinds wait at the same time, and no server is measured
// while another one accepts connections.
func (r *comparing) wait(ctx context.Context) error {
	var all []*waitingSystem
	for _, k := range r.turns(scanlogin, centrifuge) {
		s, err := r.start(ctx, startOptions{kind: k, nodes: 1})
		if err != nil {
			return err
		}
		defer s.close()
		one := &waitingSystem{system: s}
		defer one.pages.close()
		if err := one.warmUp(ctx); err != nil {
			return err
		}
		all = append(all, one)
	}
	for _, one := range all {
		if err := r.openPages(ctx, one); err != nil {
			return err
		}
	}
	if err := r.measureWaiting(ctx, all); err != nil {
		return err
	}
	for _, one := range all {
		lost, err := one.pages.close()
		if err != nil {
			return err
		}
		r.record("waiting.lost", one.kind, float64(lost))
		if one.kind == scanlogin {
			if err := r.revalidate(ctx, one.system); err != nil {
				return err
			}
		}
	}
	return nil
}

// grow opens pages until there are as many. All must open.
func (one *waitingSystem) grow(ctx context.Context, pages int) error {
	_, failed, why, err := one.pages.grow(ctx, one.system, pages, growth{perProcess: pagesPerProcess})
	if err == nil && failed > 0 {
		err = fmt.Errorf("%s: %d of %d pages could not be opened: %s", one.kind, failed, pages, why)
	}
	return err
}

// warmUp opens and closes the first pages, and measures the empty node.
func (one *waitingSystem) warmUp(ctx context.Context) error {
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
	one.empty, err = residentOf(one.last().process.PID())
	return err
}

// openPages opens the pages and measures what that costs.
func (r *comparing) openPages(ctx context.Context, one *waitingSystem) error {
	before, err := one.cpu(ctx)
	if err != nil {
		return err
	}
	if err := one.grow(ctx, r.Pages); err != nil {
		return err
	}
	if err := pause(ctx, settleTime); err != nil {
		return err
	}
	used, err := one.cpuSince(ctx, before)
	if err != nil {
		return err
	}
	progress("%s: %d pages wait", one.kind, r.Pages)
	r.recordCPU("visible", one.kind, used, r.Pages)
	return nil
}

// measureWaiting measures CPU while all pages wait, and memory after that.
func (r *comparing) measureWaiting(ctx context.Context, all []*waitingSystem) error {
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
		resident, err := residentOf(one.last().process.PID())
		if err != nil {
			return err
		}
		r.record("waiting.cpu", one.kind, used.nodes.Seconds()/r.Watch.Seconds()*100)
		r.record("waiting.resident", one.kind, (resident-one.empty)/float64(r.Pages))
	}
	return nil
}

// revalidations is how many requests are measured for the module that a browser has.
const revalidations = 2000

// revalidate measures the only request of a page beside its socket: browsers keep
// scanlogin.js, and ask whether it is current.
func (r *comparing) revalidate(ctx context.Context, s *system) error {
	url := s.last().url + "/scanlogin.js"
	tag := ""
	ask := func(int) error {
		q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		q.Header.Set("If-None-Match", tag)
		answer, err := s.client.Do(q)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		switch {
		case tag == "":
			tag = answer.Header.Get("ETag")
		case answer.StatusCode != http.StatusNotModified:
			err = errors.Join(err, errors.New("scanlogin.js was answered "+answer.Status))
		}
		return err
	}
	if err := ask(0); err != nil || tag == "" {
		return errors.Join(err, errors.New("scanlogin.js has no ETag"))
	}
	before, err := s.cpu(ctx)
	if err != nil {
		return err
	}
	if err := each(ctx, revalidations, openers, ask); err != nil {
		return err
	}
	used, err := s.cpuSince(ctx, before)
	if err == nil {
		r.record("module.nodes", scanlogin, perItem(used.nodes, revalidations))
	}
	return err
}
