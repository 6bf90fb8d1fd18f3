package actors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// storyTime bounds a story: long enough to outlast a fault and what follows
// it, far from the contract's shortest memory of a code (60 s).
const storyTime = 40 * time.Second

// Story is one login, or what else may come of a page.
type Story struct {
	w     *World
	rnd   *rand.Rand
	plot  plot
	users [2]string
	page  *browser
	site  *site
}

// plot is what the people do.
type plot struct {
	name string
	act  func(*Story, context.Context)
}

// plots stand as often in the list as they are to be played, of twelve.
var plots = []plot{
	{"login", (*Story).login}, {"login", (*Story).login}, {"login", (*Story).login},
	{"greedy site", (*Story).greedySite}, {"greedy site", (*Story).greedySite},
	{"decline", (*Story).decline},
	{"two users", (*Story).twoUsers}, {"two users", (*Story).twoUsers},
	{"two minds", (*Story).twoMinds},
	{"not me", (*Story).notMe},
	{"hesitate", (*Story).hesitate},
	{"walk away", (*Story).walkAway},
}

// NewStory makes the number-th story of a run with this seed.
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

// Run plays the story, and says how it ended.
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
		who := &stranger{w: s.w, rnd: rand.New(rand.NewPCG(s.rnd.Uint64(), 0)), who: "stranger"}
		others.Go(func() { who.run(ctx, shown.code) })
	}
	s.think(ctx)
	s.plot.act(s, ctx)
	last := s.page.now()
	pause(ctx, s.rnd, 0, 2*time.Second)
	s.site.audit(ctx, last.code)
	return fmt.Sprintf("%s: page showed %q", s.plot.name, s.page.now().status)
}

// phone is a phone of one of the story's users.
func (s *Story) phone(user int) *phone {
	return &phone{w: s.w, rnd: rand.New(rand.NewPCG(s.rnd.Uint64(), 0)), user: s.users[user]}
}

// scan has a user scan what the page shows, after a look.
func (s *Story) scan(ctx context.Context, p *phone) (code string, ok bool) {
	code = s.page.now().code
	return code, p.act(ctx, history.Scan, code) == history.OK
}

// think is the time that people take. Some take none, so that their step comes
// while a page is still being told of the one before.
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

// greedySite exchanges the ticket on several nodes at once, and once more.
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

// twoUsers scan the same code at once, and each wants to be the one.
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

// twoMinds confirms and cancels at once.
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

// notMe is the page's saying so after a scan; the phone goes on nevertheless.
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

// hesitate scans and does not decide.
func (s *Story) hesitate(ctx context.Context) {
	s.scan(ctx, s.phone(0))
	s.linger(ctx)
}

// walkAway leaves the code to itself.
func (s *Story) walkAway(ctx context.Context) { s.linger(ctx) }

// linger leaves the page open, often for longer than a short code lives.
func (s *Story) linger(ctx context.Context) {
	s.page.await(ctx, time.Duration(s.rnd.Int64N(int64(20*time.Second))), func(p page) bool { return p.over })
}
