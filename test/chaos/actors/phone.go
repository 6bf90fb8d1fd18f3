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
const tries = 6

// phone is a user's phone.
type phone struct {
	w    *World
	rnd  *rand.Rand
	user string
}

var phonePaths = map[history.Do]string{history.Scan: "scanned", history.Confirm: "confirm", history.Cancel: "cancel"}

// step makes one of the phone's calls to a random node. It repeats the call while
// the outcome is unknown, and returns the last answer.
func (p *phone) act(ctx context.Context, do history.Do, code string) int {
	q := request{path: phonePaths[do], body: map[string]any{"random": code}, header: http.Header{"Authorization": {"Bearer " + p.w.token(p.user)}}}
	return insist(ctx, p.rnd, func() int {
		q.node = p.w.someNode(p.rnd)
		_, e := p.w.ask(ctx, do, "phone of "+p.user, q)
		e.Code, e.User = code, p.user
		p.w.Log.Add(e)
		return e.Answer
	})
}

// retry repeats a call until its outcome is known, at most for all attempts.
func insist(ctx context.Context, r *rand.Rand, call func() int) (last int) {
	for range tries {
		last = call()
		if !unsettled(last) {
			return last
		}
		if !pause(ctx, r, 100*time.Millisecond, 800*time.Millisecond) {
			return last
		}
	}
	return last
}

// isRetryable reports whether a call with this answer is to be repeated.
func unsettled(answer int) bool {
	switch answer {
	case history.Busy, history.None, history.NotSent, history.TooMany:
		return true
	}
	return false
}

// site is the back end of a site.
type site struct {
	w    *World
	rnd  *rand.Rand
	pool Pool
}

func (s *site) basic() http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(s.pool.ID+":"+s.w.SiteSecret))}}
}

// redeem makes one attempt to exchange a ticket.
func (s *site) redeem(ctx context.Context, node int, code, ticket string) int {
	a, e := s.w.ask(ctx, history.Redeem, "site", request{node: node, path: "userinfo", body: map[string]any{"ticket": ticket}, header: s.basic(), proven: true})
	e.Code = code
	var user struct {
		ID string `json:"id"`
	}
	if a.code == history.OK && json.Unmarshal(a.data, &user) == nil {
		e.User = user.ID
	}
	s.w.Log.Add(e)
	return e.Answer
}

// redeemWithRetry exchanges a ticket and repeats the call until the outcome is known.
func (s *site) redeemSurely(ctx context.Context, code, ticket string) int {
	return insist(ctx, s.rnd, func() int { return s.redeem(ctx, s.w.someNode(s.rnd), code, ticket) })
}

// finalCheck reads the final state of a code.
func (s *site) audit(ctx context.Context, code string) int {
	return insist(ctx, s.rnd, func() int {
		a, _ := s.w.check(ctx, "site", code, "", request{node: s.w.someNode(s.rnd), header: s.basic(), proven: true})
		return a
	})
}

// check reads the state of a code; more is added to the query.
func (w *World) check(ctx context.Context, who, code, more string, q request) (int, status) {
	q.path = "check?random=" + url.QueryEscape(code) + more
	a, e := w.ask(ctx, history.Check, who, q)
	e.Code, e.Held = code, q.within > 0
	var st status
	if a.code == history.OK {
		if json.Unmarshal(a.data, &st) != nil {
			e.Answer = history.None
		} else {
			e.Seen = st.seen()
		}
	}
	w.Log.Add(e)
	return e.Answer, st
}
