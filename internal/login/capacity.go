package login

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"sync/atomic"
	"time"

	"github.com/scanlogin/scanlogin/internal/fairshare"
	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

const (
	// usageEvery is how often the store's usage is measured while it is far from full;
	// usageSoon is how often from watchFrom on, or while it grows by more than watchGrowth
	// between two measurements.
	usageEvery  = 5 * time.Second
	usageSoon   = time.Second
	watchFrom   = 0.5
	watchGrowth = 0.02
	// usageStale is how long a measurement counts while the store does not answer.
	usageStale = time.Minute
	// retryFull is when to retry a code that was refused because of the store: by then its
	// usage was measured several times.
	retryFull = 10 * time.Second
)

// keptFor is how long the store keeps a code that is not scanned, by default.
const keptFor = pool.DefaultCodeTTL + session.Retention

// capacity measures how full the store is, and decides which new codes are admitted (see
// fairshare). Only new codes are refused: steps, checks and exchanges never are.
type capacity struct {
	store session.UsageReporter // nil: the store cannot tell
	guard *fairshare.Guard
	log   *slog.Logger

	usage   atomic.Uint64 // bits of a float64; NaN: not known
	refused [fairshare.Full + 1]atomic.Int64
	warned  bool // of run: that usage cannot be known
}

func newCapacity(st session.Store, log *slog.Logger) *capacity {
	c := &capacity{guard: fairshare.New(keptFor), log: log}
	c.store, _ = session.As[session.UsageReporter](st)
	c.usage.Store(math.Float64bits(math.NaN()))
	return c
}

// run measures how full the store is until ctx ends.
func (c *capacity) run(ctx context.Context) {
	if c.store == nil {
		return
	}
	known := time.Now()
	for timer := time.NewTimer(0); ; {
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		before := c.ratio()
		if c.measure(ctx) {
			known = time.Now()
		} else if time.Since(known) > usageStale {
			c.learn(ctx, math.NaN())
		}
		next := usageEvery
		if now := c.ratio(); now >= watchFrom || now-before >= watchGrowth {
			next = usageSoon
		}
		timer.Reset(next)
	}
}

// measure asks the store once, and reports whether it answered.
func (c *capacity) measure(ctx context.Context) bool {
	usage, err := c.store.Usage(ctx)
	switch {
	case err == nil && usage.Max > 0:
		c.learn(ctx, usage.Ratio())
		return true
	case err == nil:
		err = errors.New("the store has no bound: set maxmemory in Redis, or store_max_bytes")
	case !errors.Is(err, session.ErrRefused):
		return false // it is unavailable, which the requests log
	}
	c.learn(ctx, math.NaN())
	if !c.warned && ctx.Err() == nil {
		c.warned = true
		c.log.Warn("store usage is not known: new codes are taken until the store is full", "reason", err)
	}
	return true
}

func (c *capacity) learn(ctx context.Context, ratio float64) {
	c.usage.Store(math.Float64bits(ratio))
	if math.IsNaN(ratio) {
		ratio = 0
	}
	level, changed := c.guard.Observe(ratio, time.Now())
	if !changed {
		return
	}
	text := "store usage is normal: new codes are taken"
	switch level {
	case fairshare.Limited:
		text = "store is filling up: new codes of pools and networks above their share are refused"
	case fairshare.Stopped:
		text = "store is nearly full: new codes are refused"
	}
	c.log.WarnContext(ctx, text, "usage", math.Round(ratio*100)/100)
}

// ratio is how full the store is, 1 for full; NaN: not known.
func (c *capacity) ratio() float64 { return math.Float64frombits(c.usage.Load()) }

// admit refuses a new code of a pool if the store has no room for it, with StoreFull or
// TooMany. address is that of the caller; "" for a site.
func (c *capacity) admit(p *pool.Pool, address string) error {
	verdict := c.guard.Admit(p.ID, ipaddr.Network(address), time.Now())
	if verdict == fairshare.Admitted {
		return nil
	}
	c.refused[verdict].Add(1)
	if verdict == fairshare.Full {
		return StoreFull{RetryAfter: retryFull}
	}
	return TooMany{RetryAfter: retryFull}
}

// created counts a code. The parameters are those of admit.
func (c *capacity) created(p *pool.Pool, address string) {
	c.guard.Created(p.ID, ipaddr.Network(address), time.Now())
}
