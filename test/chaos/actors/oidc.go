package actors

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// redirected scans and confirms, and waits until the page returns to the client.
func (s *Scenario) redirected(ctx context.Context) (g grant, ok bool) {
	phone := s.phone(0)
	code, ok := s.scan(ctx, phone)
	if !ok {
		return "", false
	}
	s.think(ctx)
	if phone.step(ctx, history.Confirm, code) != history.OK {
		return "", false
	}
	return s.returned(ctx)
}

// returned waits until the page returns to the client with an authorization code.
func (s *Scenario) returned(ctx context.Context) (g grant, ok bool) {
	p, _ := s.page.await(ctx, 10*time.Second, func(p page) bool { return p.grant != "" || p.over })
	return p.grant, p.grant != ""
}

// exchange exchanges a code, and repeats the call while its outcome is unknown, as clients must
// not: a repetition is a second use if the first call had an effect.
func (s *Scenario) exchange(ctx context.Context, g grant) (got tokens, ok bool) {
	answer := retry(ctx, s.rnd, func() (answer int) {
		got, answer = s.client.exchange(ctx, s.env.randomNode(s.rnd), g)
		return answer
	})
	return got, answer == history.OK
}

// oidcLogin exchanges the code once, and often once more later, which ends the login. Others, who
// lack something, try before and after.
func (s *Scenario) oidcLogin(ctx context.Context) {
	g, ok := s.redirected(ctx)
	if !ok {
		return
	}
	s.attack(ctx, g, "")
	got, ok := s.exchange(ctx, g)
	if !ok {
		return
	}
	s.use(ctx, g, got)
	s.attack(ctx, g, got.Refresh)
	s.use(ctx, g, got)
	if s.rnd.IntN(2) == 0 {
		s.think(ctx)
		s.exchange(ctx, g)
		s.use(ctx, g, got)
	}
}

// attack sometimes uses the code with another verifier, or has the pool's other client use code and
// refresh token. All of it must be refused and have no effect.
func (s *Scenario) attack(ctx context.Context, g grant, token string) {
	if s.rnd.IntN(4) == 0 {
		s.client.exchangeWith(ctx, s.env.randomNode(s.rnd), g, strings.Repeat("a", 43))
	}
	for _, c := range s.others {
		if c.ID != s.client.ID && s.rnd.IntN(4) == 0 {
			c.asked = s.client.asked
			c.steal(ctx, s.env.randomNode(s.rnd), g, token)
		}
	}
}

// maxConcurrentExchanges is how often a code is exchanged at once, at most.
const maxConcurrentExchanges = 20

// oidcConcurrentExchanges exchanges the code many times at once, on all nodes; half of the time only
// twice, so that the one that is refused may be the last to be answered, or the first. Half of the
// clients use their tokens at once.
func (s *Scenario) oidcConcurrentExchanges(ctx context.Context) {
	g, ok := s.redirected(ctx)
	if !ok {
		return
	}
	var all sync.WaitGroup
	isQuick, got := s.rnd.IntN(2) == 0, make([]tokens, 2)
	if s.rnd.IntN(2) == 0 {
		got = make([]tokens, 2+s.rnd.IntN(maxConcurrentExchanges-1))
	}
	for i := range got {
		node := i % len(s.env.Nodes)
		all.Go(func() {
			var answer int
			if got[i], answer = s.client.exchange(ctx, node, g); isQuick && answer == history.OK {
				s.client.userinfo(ctx, node, g.code(), got[i].Access)
			}
		})
	}
	all.Wait()
	for _, t := range got {
		if t.Access != "" {
			s.use(ctx, g, t)
		}
	}
	s.exchange(ctx, g)
}

// oidcTwoUsers has two users scan and confirm the same code at the same time.
func (s *Scenario) oidcTwoUsers(ctx context.Context) {
	s.bothScanAndConfirm(ctx)
	g, ok := s.returned(ctx)
	if !ok {
		return
	}
	if got, ok := s.exchange(ctx, g); ok {
		s.use(ctx, g, got)
	}
}

// oidcRefreshes replaces the refresh token several times, and often uses an old one at the end.
func (s *Scenario) oidcRefreshes(ctx context.Context) {
	g, ok := s.redirected(ctx)
	if !ok {
		return
	}
	first, ok := s.exchange(ctx, g)
	if !ok {
		return
	}
	chain := []tokens{first}
	for range 1 + s.rnd.IntN(4) {
		next, ok := s.refreshed(ctx, g, chain[len(chain)-1].Refresh)
		if !ok {
			break
		}
		chain = append(chain, next)
		if s.rnd.IntN(3) == 0 {
			s.use(ctx, g, next)
		}
	}
	if s.rnd.IntN(3) > 0 {
		s.replay(ctx, g, chain)
	}
	for _, t := range chain[max(0, len(chain)-2):] {
		s.use(ctx, g, t)
	}
	s.refreshed(ctx, g, chain[len(chain)-1].Refresh)
}

// refreshed replaces a refresh token, sometimes on several nodes at once, and repeats the call
// while its outcome is unknown.
func (s *Scenario) refreshed(ctx context.Context, g grant, token string) (next tokens, ok bool) {
	answer := retry(ctx, s.rnd, func() int {
		calls := max(1, s.rnd.IntN(6)-1) // half of the time one
		got, answers := make([]tokens, calls), make([]int, calls)
		var all sync.WaitGroup
		first := s.env.randomNode(s.rnd)
		for i := range calls {
			all.Go(func() { got[i], answers[i] = s.client.refresh(ctx, (first+i)%len(s.env.Nodes), g.code(), token) })
		}
		all.Wait()
		known := max(0, slices.Index(answers, history.OK))
		next = got[known]
		return answers[known]
	})
	return next, answer == history.OK
}

// repeatWindow is how long the last spent refresh token may be repeated (docs/api.md).
const repeatWindow = 10 * time.Second

// replay uses a spent refresh token: half of the time the last spent one, and that half of the time
// after its window.
func (s *Scenario) replay(ctx context.Context, g grant, chain []tokens) {
	if len(chain) < 2 {
		return
	}
	old := len(chain) - 2
	if s.rnd.IntN(2) == 0 {
		old = s.rnd.IntN(len(chain) - 1)
	}
	if old == len(chain)-2 && s.rnd.IntN(2) == 0 {
		pause(ctx, s.rnd, repeatWindow, repeatWindow+2*time.Second)
	}
	s.refreshed(ctx, g, chain[old].Refresh)
}

// use shows tokens to the endpoints that accept them, on random nodes.
func (s *Scenario) use(ctx context.Context, g grant, t tokens) {
	calls := []func(node int) int{
		func(node int) int { return s.client.userinfo(ctx, node, g.code(), t.Access) },
	}
	for _, c := range s.others {
		if c.Secret == "" {
			continue
		}
		calls = append(calls, func(node int) int { return c.introspect(ctx, node, g.code(), t.Access) })
		if c.ID == s.client.ID {
			calls = append(calls, func(node int) int { return c.introspect(ctx, node, g.code(), t.Refresh) })
		}
	}
	s.rnd.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	for _, call := range calls {
		retry(ctx, s.rnd, func() int { return call(s.env.randomNode(s.rnd)) })
	}
}
