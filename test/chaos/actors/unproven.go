package actors

import (
	"context"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"github.com/scanlogin/scanlogin/test/chaos/history"
)

// unproven is a watcher who knows the code but has no proof of being the browser. It
// polls and connects sockets without proof.
type unproven struct {
	env   *Environment
	rnd   *rand.Rand
	actor string
}

// run watches a code until ctx ends.
func (s *unproven) run(ctx context.Context, code string) {
	for ctx.Err() == nil {
		if s.rnd.IntN(2) == 0 {
			s.watch(ctx, code)
		} else {
			s.env.check(ctx, s.actor, code, "", request{node: s.env.randomNode(s.rnd)})
		}
		pause(ctx, s.rnd, 300*time.Millisecond, 1500*time.Millisecond)
	}
}

func (s *unproven) watch(ctx context.Context, code string) {
	k, err := s.env.dial(ctx, s.env.randomNode(s.rnd), url.Values{"random": {code}}, "", make(http.Header))
	if err != nil {
		return
	}
	defer k.conn.CloseNow()
	for {
		st, _, ok := k.next(ctx)
		if !ok {
			return
		}
		now := s.env.Log.Now()
		s.env.Log.Add(history.Event{Call: now, Return: now, Actor: s.actor, Action: history.Push, Code: code, Node: k.node, Conn: k.number, State: st.state()})
	}
}
