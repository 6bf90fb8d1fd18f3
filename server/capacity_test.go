package server_test

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session/memstore"
	"github.com/scanlogin/scanlogin/session/sessiontest"
)

// TestAnUnknownUsageIsToldOnce has a Redis without a bound, and one whose user may not
// ask: codes are made all the same.
func TestAnUnknownUsageIsToldOnce(t *testing.T) {
	t.Parallel()
	for word, login := range map[string]string{"store_max_bytes": "", "NOPERM": "app:secret@"} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			redis := redistest.Start(t)
			redis.Do("ACL", "SETUSER", "app", "on", ">secret", "~test:*", "&test:*", "+@all", "-info")
			n := overRedis(t, redis, login, nil)
			asked := regexp.MustCompile(`cmdstat_info:calls=(\d+),.*rejected_calls=(\d+)`)
			asks := 0 // ours
			eventually(t, "usage was asked for twice", func() bool {
				var calls, rejected int
				asks++
				if m := asked.FindStringSubmatch(fmt.Sprint(redis.Do("INFO", "commandstats"))); m != nil {
					_, _ = fmt.Sscan(m[1], &calls)
					_, _ = fmt.Sscan(m[2], &rejected)
				}
				return rejected+calls-asks >= 2
			})
			n.gene("p1")
			log := n.log.String()
			if got := strings.Count(log, "store usage is not known"); got != 1 || !strings.Contains(log, word) {
				t.Errorf("%d warnings: %s", got, log)
			}
			if usage := n.srv.Load().StoreUsage; !math.IsNaN(usage) {
				t.Errorf("usage: %v", usage)
			}
		})
	}
}

// TestAFullProcessRefusesNewCodesAndNothingElse fills a node without Redis: codes
// that are there go on to their end.
func TestAFullProcessRefusesNewCodesAndNothingElse(t *testing.T) {
	t.Parallel()
	st := memstore.NewBounded(1 << 20)
	n := start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) { o.Limits.AddressRate = 10_000 }, newPool(t, nil))
	first := n.gene("p1")
	for err := error(nil); err == nil; { // not by way of the node, which would stop before
		_, err = st.Create(t.Context(), sessiontest.New(st, time.Hour))
	}
	eventually(t, "the usage is known", func() bool { return n.srv.Load().StoreUsage >= 0.95 })
	got := n.call("POST", "/gene", `{"userPoolId":"p1"}`)
	got.refused(503, 1000)
	if got.Get("Retry-After") != "10" {
		t.Errorf("Retry-After: %q", got.Get("Retry-After"))
	}
	n.dial("userPoolId=p1", nil).closed(1013)
	n.isReady(200, "ok")
	n.phone("scanned", first.random, "alice").ok()
	n.phone("confirm", first.random, "alice").ok()
	ticket := n.check(first)["ticket"]
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, "Authorization", basic("p1", poolSecret)).ok()
	if held := n.srv.Load().CodesHeld; held.Full != 2 {
		t.Errorf("held: %+v", held)
	}
}

// TestASiteIsCountedByItsPoolAlone: its back end asks for all of its users from one
// network.
func TestASiteIsCountedByItsPoolAlone(t *testing.T) {
	t.Parallel()
	st := memstore.NewBounded(3 << 20)
	n := start(t, sessiontest.Node{Store: st, Bus: st.Bus()}, func(o *server.Options) { o.Limits.AddressRate = 10_000 }, newPool(t, nil))
	asSite := func() answer {
		return n.callWith(unjudged, "POST", "/gene", `{"userPoolId":"p1"}`, "Authorization", basic("p1", poolSecret))
	}
	held := func() login.RefusedCodes { return n.srv.Load().CodesHeld }
	for i := 0; i < 20_000 && held().Network == 0 && held().Pool == 0 && held().Full == 0; i++ {
		asSite()
		if i > 1_500 { // some 65 %
			pause()
		}
	}
	if got := held(); got.Network > 0 || got.Pool == 0 {
		t.Errorf("held: %+v, usage %v", got, n.srv.Load().StoreUsage)
	}
}
