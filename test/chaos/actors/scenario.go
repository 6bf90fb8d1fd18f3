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
const scenarioTime = 40 * time.Second

// Scenario is one login or another use of a page.
type Scenario struct {
	env    *Environment
	rnd    *rand.Rand
	script script
	users  [2]string
	page   *browser
	site   *site
	client *client   // to which the user logs in with OpenID Connect; nil: the site exchanges a ticket
	others []*client // the pool's OAuth clients, without client's request
}

// script is what the users of a scenario do.
type script struct {
	name string
	run  func(*Scenario, context.Context)
	oidc bool // the login is one with OpenID Connect
}

// scripts contains each script as often as it is run out of eighteen times.
var scripts = []script{
	{name: "login", run: (*Scenario).login}, {name: "login", run: (*Scenario).login}, {name: "login", run: (*Scenario).login},
	{name: "concurrent exchanges", run: (*Scenario).concurrentExchanges}, {name: "concurrent exchanges", run: (*Scenario).concurrentExchanges},
	{name: "cancel", run: (*Scenario).cancel},
	{name: "two users", run: (*Scenario).twoUsers}, {name: "two users", run: (*Scenario).twoUsers},
	{name: "confirm and cancel", run: (*Scenario).confirmAndCancel},
	{name: "refresh", run: (*Scenario).refresh},
	{name: "scan only", run: (*Scenario).scanOnly},
	{name: "no scan", run: (*Scenario).noScan},
	{"oidc login", (*Scenario).oidcLogin, true}, {"oidc login", (*Scenario).oidcLogin, true},
	{"oidc concurrent exchanges", (*Scenario).oidcConcurrentExchanges, true},
	{"oidc refreshes", (*Scenario).oidcRefreshes, true}, {"oidc refreshes", (*Scenario).oidcRefreshes, true},
	{"oidc two users", (*Scenario).oidcTwoUsers, true},
}

// NewScenario returns the number-th scenario of a run with this seed.
func NewScenario(env *Environment, seed uint64, number int) *Scenario {
	rnd := func(role uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(number)<<8|role)) }
	r := rnd(0)
	pool := env.Pools[r.IntN(len(env.Pools))]
	s := &Scenario{env: env, rnd: r, script: scripts[r.IntN(len(scripts))]}
	s.users = [2]string{fmt.Sprintf("alice%d", number), fmt.Sprintf("bob%d", number)}
	s.site = &site{env: env, rnd: rnd(1), pool: pool}
	s.page = &browser{
		env: env, rnd: rnd(2), name: fmt.Sprintf("page%d", number), pool: pool,
		transport: env.Transports[r.IntN(len(env.Transports))], refresh: make(chan struct{}, 1),
	}
	for _, c := range pool.Clients {
		s.others = append(s.others, &client{Client: c, env: env, pool: pool})
	}
	if s.script.oidc {
		s.client = &client{Client: pool.Clients[r.IntN(len(pool.Clients))], env: env, pool: pool}
		s.page.client = s.client
	}
	return s
}

// Run runs the scenario and describes its end.
func (s *Scenario) Run(ctx context.Context) (end string) {
	ctx, cancel := context.WithTimeout(ctx, scenarioTime)
	defer cancel()
	var others sync.WaitGroup
	defer others.Wait()
	defer cancel()
	others.Go(func() { s.page.run(ctx) })
	shown, ok := s.page.await(ctx, 15*time.Second, func(p page) bool { return p.code != "" })
	if !ok {
		return s.script.name + ": no code"
	}
	if s.rnd.IntN(4) == 0 {
		watcher := &unproven{env: s.env, rnd: rand.New(rand.NewPCG(s.rnd.Uint64(), 0)), actor: "unproven"}
		others.Go(func() { watcher.run(ctx, shown.code) })
	}
	s.think(ctx)
	s.script.run(s, ctx)
	last := s.page.now()
	pause(ctx, s.rnd, 0, 2*time.Second)
	s.site.finalCheck(ctx, last.code)
	return fmt.Sprintf("%s: page showed %q", s.script.name, s.page.now().status)
}

// phone returns a phone of one of the scenario's users.
func (s *Scenario) phone(user int) *phone {
	return &phone{env: s.env, rnd: rand.New(rand.NewPCG(s.rnd.Uint64(), 0)), user: s.users[user]}
}

// scan scans the code that the page shows.
func (s *Scenario) scan(ctx context.Context, p *phone) (code string, ok bool) {
	code = s.page.now().code
	return code, p.step(ctx, history.Scan, code) == history.OK
}

// think waits as long as users take. Some take no time, so that their step comes
// while the page is still receiving the previous one.
func (s *Scenario) think(ctx context.Context) {
	if s.rnd.IntN(3) > 0 {
		pause(ctx, s.rnd, 0, 4*time.Second)
	}
}

// confirmed scans and confirms, and waits until the page has the ticket.
func (s *Scenario) confirmed(ctx context.Context) (p page, ok bool) {
	phone := s.phone(0)
	code, ok := s.scan(ctx, phone)
	if !ok {
		return p, false
	}
	s.think(ctx)
	if phone.step(ctx, history.Confirm, code) != history.OK {
		return p, false
	}
	if s.rnd.IntN(4) == 0 {
		phone.step(ctx, history.Confirm, code) // phones retry
	}
	return s.page.await(ctx, 20*time.Second, func(p page) bool { return p.code != code || p.ticket != "" })
}

func (s *Scenario) login(ctx context.Context) {
	if p, ok := s.confirmed(ctx); ok && p.ticket != "" {
		s.site.redeemWithRetry(ctx, p.code, p.ticket)
	}
}

// concurrentExchanges exchanges the ticket on all nodes at once, and once more.
func (s *Scenario) concurrentExchanges(ctx context.Context) {
	p, ok := s.confirmed(ctx)
	if !ok || p.ticket == "" {
		return
	}
	var all sync.WaitGroup
	for node := range max(2, len(s.env.Nodes)) {
		all.Go(func() { s.site.redeem(ctx, node%len(s.env.Nodes), p.code, p.ticket) })
	}
	all.Wait()
	s.site.redeemWithRetry(ctx, p.code, p.ticket)
}

func (s *Scenario) cancel(ctx context.Context) {
	p := s.phone(0)
	code, ok := s.scan(ctx, p)
	if !ok {
		return
	}
	s.think(ctx)
	p.step(ctx, history.Cancel, code)
	if s.rnd.IntN(2) == 0 {
		p.step(ctx, history.Confirm, code) // too late
	}
	s.linger(ctx)
}

// bothScanAndConfirm has both users scan and confirm the same code at the same time.
func (s *Scenario) bothScanAndConfirm(ctx context.Context) {
	code := s.page.now().code
	var both sync.WaitGroup
	for user := range s.users {
		p := s.phone(user)
		both.Go(func() {
			p.step(ctx, history.Scan, code)
			p.step(ctx, history.Confirm, code)
		})
	}
	both.Wait()
}

// twoUsers scan and confirm the same code at the same time.
func (s *Scenario) twoUsers(ctx context.Context) {
	s.bothScanAndConfirm(ctx)
	if p, ok := s.page.await(ctx, 10*time.Second, func(p page) bool { return p.ticket != "" || p.over }); ok && p.ticket != "" {
		s.site.redeemWithRetry(ctx, p.code, p.ticket)
	}
}

// confirmAndCancel confirms and cancels at the same time.
func (s *Scenario) confirmAndCancel(ctx context.Context) {
	first := s.phone(0)
	code, ok := s.scan(ctx, first)
	if !ok {
		return
	}
	second := s.phone(0)
	var both sync.WaitGroup
	both.Go(func() { first.step(ctx, history.Confirm, code) })
	both.Go(func() { second.step(ctx, history.Cancel, code) })
	both.Wait()
	s.linger(ctx)
}

// refresh requests another code after a scan. The phone confirms the old one
// nevertheless.
func (s *Scenario) refresh(ctx context.Context) {
	p := s.phone(1)
	code, ok := s.scan(ctx, p)
	if s.page.transport == Open {
		s.page.refresh <- struct{}{}
		s.page.await(ctx, 5*time.Second, func(p page) bool { return p.code != code || p.over })
	}
	if ok {
		p.step(ctx, history.Confirm, code)
	}
	s.site.finalCheck(ctx, code)
	if s.page.transport == Open {
		s.login(ctx)
	}
}

// scanOnly scans and neither confirms nor cancels.
func (s *Scenario) scanOnly(ctx context.Context) {
	s.scan(ctx, s.phone(0))
	s.linger(ctx)
}

// noScan only shows the code.
func (s *Scenario) noScan(ctx context.Context) { s.linger(ctx) }

// linger keeps the page open, often for longer than the lifetime of a short code.
func (s *Scenario) linger(ctx context.Context) {
	s.page.await(ctx, time.Duration(s.rnd.Int64N(int64(20*time.Second))), func(p page) bool { return p.over })
}
