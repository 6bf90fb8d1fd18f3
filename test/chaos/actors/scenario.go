package actors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// scenarioTime limits a scenario: longer than a fault and its effects, and shorter
// than the time for which an ended code is known (60 s).
const storyTime = 40 * time.Second

// Scenario is one login or another use of a page.
type Story struct {
	w     *World
	rnd   *rand.Rand
	plot  plot
	users [2]string
	page  *browser
	site  *site
}

// script is what the users of a scenario do.
type plot struct {
	name string
	act  func(*Story, context.Context)
}

// scripts contains each script as often as it is run out of twelve times.
var plots = []plot{
	{"login", (*Story).login}, {"login", (*Story).login}, {"login", (*Story).login},
	{"concurrent exchanges", (*Story).greedySite}, {"concurrent exchanges", (*Story).greedySite},
	{"cancel", (*Story).decline},
	{"two users", (*Story).twoUsers}, {"two users", (*Story).twoUsers},
	{"confirm and cancel", (*Story).twoMinds},
	{"refresh", (*Story).notMe},
	{"scan only", (*Story).hesitate},
	{"no scan", (*Story).walkAway},
}

// NewScenario returns the number-th scenario of a run with this seed.
func NewStory(w *World, seed uint64, number int) *Story {
	rnd := func(role uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(number)<<8|role)) }
	r := rnd(0)
	pool := w.Pools[r.IntN(len(w.Pools))]
	s := &Story{w: w, rnd: r, plot: plots[r.IntN(len(plots))]}
	s.users = [2]string{fmt.Sprintf("alice%d", number), fmt.Sprintf("bob%d", number)}
	s.site = &site{w: w, rnd: rnd(1), pool: pool}
	s.page = &browser{
		w: w, rnd: rnd(2), who: fmt.Sprintf("page%d", number), pool: pool,
		via: w.Transports[r.IntN(len(w.Transports))], refresh: make(chan struct{}, 1),
	}
	return s
}

// Run runs the scenario and describes its end.
func (s *Story) Run(ctx context.Context) (end string) {
	ctx, cancel := context.WithTimeout(ctx, storyTime)
	defer cancel()
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	others.Go(func() { s.page.run(ctx) })
	shown, ok := s.page.await(ctx, 15*time.Second, func(p page) bool { return p.code != "" })
	if !ok {
		return s.plot.name + ": no code"
	}
	if s.rnd.IntN(4) == 0 {
		who := &stranger{w: s.w, rnd: rand.New(rand.NewPCG(s.rnd.Uint64(), 0)), who: "unproven"}
		others.Go(func() { who.run(ctx, shown.code) })
	}
	s.think(ctx)
	s.plot.act(s, ctx)
	last := s.page.now()
	pause(ctx, s.rnd, 0, 2*time.Second)
	s.site.audit(ctx, last.code)
	return fmt.Sprintf("%s: page showed %q", s.plot.name, s.page.now().status)
}

// phone returns a phone of one of the scenario's users.
func (s *Story) phone(user int) *phone {
	return &phone{w: s.w, rnd: rand.New(rand.NewPCG(s.rnd.Uint64(), 0)), user: s.users[user]}
}

// scan scans the code that the page shows.
func (s *Story) scan(ctx context.Context, p *phone) (code string, ok bool) {
	code = s.page.now().code
	return code, p.act(ctx, history.Scan, code) == history.OK
}

// think waits as long as users take. Some take no time, so that their step comes
// while the page is still receiving the previous one.
func (s *Story) think(ctx context.Context) {
	if s.rnd.IntN(3) > 0 {
		pause(ctx, s.rnd, 0, 4*time.Second)
	}
}

// confirmed scans and confirms, and waits until the page has the ticket.
func (s *Story) confirmed(ctx context.Context) (p page, ok bool) {
	phone := s.phone(0)
	code, ok := s.scan(ctx, phone)
	if !ok {
		return p, false
	}
	s.think(ctx)
	if phone.act(ctx, history.Confirm, code) != history.OK {
		return p, false
	}
	if s.rnd.IntN(4) == 0 {
		phone.act(ctx, history.Confirm, code) // phones retry
	}
	return s.page.await(ctx, 20*time.Second, func(p page) bool { return p.code != code || p.ticket != "" })
}

func (s *Story) login(ctx context.Context) {
	if p, ok := s.confirmed(ctx); ok && p.ticket != "" {
		s.site.redeemSurely(ctx, p.code, p.ticket)
	}
}

// concurrentExchanges exchanges the ticket on all nodes at once, and once more.
func (s *Story) greedySite(ctx context.Context) {
	p, ok := s.confirmed(ctx)
	if !ok || p.ticket == "" {
		return
	}
	var all sync.WaitGroup
	for node := range max(2, len(s.w.Nodes)) {
		all.Go(func() { s.site.redeem(ctx, node%len(s.w.Nodes), p.code, p.ticket) })
	}
	all.Wait()
	s.site.redeemSurely(ctx, p.code, p.ticket)
}

func (s *Story) decline(ctx context.Context) {
	p := s.phone(0)
	code, ok := s.scan(ctx, p)
	if !ok {
		return
	}
	s.think(ctx)
	p.act(ctx, history.Cancel, code)
	if s.rnd.IntN(2) == 0 {
		p.act(ctx, history.Confirm, code) // too late
	}
	s.linger(ctx)
}

// twoUsers scan and confirm the same code at the same time.
func (s *Story) twoUsers(ctx context.Context) {
	code := s.page.now().code
	var both sync.WaitGroup
	for user := range s.users {
		p := s.phone(user)
		both.Go(func() {
			p.act(ctx, history.Scan, code)
			p.act(ctx, history.Confirm, code)
		})
	}
	both.Wait()
	if p, ok := s.page.await(ctx, 10*time.Second, func(p page) bool { return p.ticket != "" || p.over }); ok && p.ticket != "" {
		s.site.redeemSurely(ctx, p.code, p.ticket)
	}
}

// confirmAndCancel confirms and cancels at the same time.
func (s *Story) twoMinds(ctx context.Context) {
	first := s.phone(0)
	code, ok := s.scan(ctx, first)
	if !ok {
		return
	}
	second := s.phone(0)
	var both sync.WaitGroup
	both.Go(func() { first.act(ctx, history.Confirm, code) })
	both.Go(func() { second.act(ctx, history.Cancel, code) })
	both.Wait()
	s.linger(ctx)
}

// refresh requests another code after a scan. The phone confirms the old one
// nevertheless.
func (s *Story) notMe(ctx context.Context) {
	p := s.phone(1)
	code, ok := s.scan(ctx, p)
	if s.page.via == Open {
		s.page.refresh <- struct{}{}
		s.page.await(ctx, 5*time.Second, func(p page) bool { return p.code != code || p.over })
	}
	if ok {
		p.act(ctx, history.Confirm, code)
	}
	s.site.audit(ctx, code)
	if s.page.via == Open {
		s.login(ctx)
	}
}

// scanOnly scans and neither confirms nor cancels.
func (s *Story) hesitate(ctx context.Context) {
	s.scan(ctx, s.phone(0))
	s.linger(ctx)
}

// noScan only shows the code.
func (s *Story) walkAway(ctx context.Context) { s.linger(ctx) }

// linger keeps the page open, often for longer than the lifetime of a short code.
func (s *Story) linger(ctx context.Context) {
	s.page.await(ctx, time.Duration(s.rnd.Int64N(int64(20*time.Second))), func(p page) bool { return p.over })
}
