package actors

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// attempts is how often phones and sites make a call whose outcome is unknown.
const attempts = 6

// phone is a user's phone.
type phone struct {
	env  *Environment
	rnd  *rand.Rand
	user string
}

var phonePaths = map[history.Action]string{history.Scan: "scanned", history.Confirm: "confirm", history.Cancel: "cancel"}

// step makes one of the phone's calls to a random node. It repeats the call while
// the outcome is unknown, and returns the last answer.
func (p *phone) step(ctx context.Context, action history.Action, code string) int {
	q := request{path: phonePaths[action], body: map[string]any{"random": code}, header: http.Header{"Authorization": {"Bearer " + p.env.token(p.user)}}}
	return retry(ctx, p.rnd, func() int {
		q.node = p.env.randomNode(p.rnd)
		_, e := p.env.call(ctx, action, "phone of "+p.user, q)
		e.Code, e.User = code, p.user
		p.env.Log.Add(e)
		return e.Answer
	})
}

// retry repeats a call until its outcome is known, at most for all attempts.
func retry(ctx context.Context, r *rand.Rand, call func() int) (last int) {
	for range attempts {
		last = call()
		if !isRetryable(last) {
			return last
		}
		if !pause(ctx, r, 100*time.Millisecond, 800*time.Millisecond) {
			return last
		}
	}
	return last
}

// isRetryable reports whether a call with this answer is to be repeated.
func isRetryable(answer int) bool {
	switch answer {
	case history.Busy, history.None, history.NotSent, history.TooMany:
		return true
	}
	return false
}

// site is the back end of a site.
type site struct {
	env  *Environment
	rnd  *rand.Rand
	pool Pool
}

func (s *site) basic() http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(s.pool.ID+":"+s.env.SiteSecret))}}
}

// redeem makes one attempt to exchange a ticket.
func (s *site) redeem(ctx context.Context, node int, code, ticket string) int {
	a, e := s.env.call(ctx, history.Redeem, "site", request{node: node, path: "userinfo", body: map[string]any{"ticket": ticket}, header: s.basic(), proven: true})
	e.Code = code
	var user struct {
		ID string `json:"id"`
	}
	if a.code == history.OK && json.Unmarshal(a.data, &user) == nil {
		e.User = user.ID
	}
	s.env.Log.Add(e)
	return e.Answer
}

// redeemWithRetry exchanges a ticket and repeats the call until the outcome is known.
func (s *site) redeemWithRetry(ctx context.Context, code, ticket string) int {
	return retry(ctx, s.rnd, func() int { return s.redeem(ctx, s.env.randomNode(s.rnd), code, ticket) })
}

// finalCheck reads the final state of a code.
func (s *site) finalCheck(ctx context.Context, code string) int {
	return retry(ctx, s.rnd, func() int {
		a, _ := s.env.check(ctx, "site", code, "", request{node: s.env.randomNode(s.rnd), header: s.basic(), proven: true})
		return a
	})
}

// check reads the state of a code; more is added to the query.
func (env *Environment) check(ctx context.Context, actor, code, more string, q request) (int, status) {
	q.path = "check?random=" + url.QueryEscape(code) + more
	a, e := env.call(ctx, history.Check, actor, q)
	e.Code, e.LongPoll = code, q.timeout > 0
	var st status
	if a.code == history.OK {
		if json.Unmarshal(a.data, &st) != nil {
			e.Answer = history.None
		} else {
			e.State = st.state()
		}
	}
	env.Log.Add(e)
	return e.Answer, st
}
