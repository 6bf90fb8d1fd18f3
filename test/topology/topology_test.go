// Package topology runs what docker-compose.yml describes, without Docker: the
// real program, redis-server with the flags that the file gives it, two nodes
// with deploy/scanlogin.yaml, and in front nginx with deploy/nginx.conf, HAProxy
// with deploy/haproxy.cfg or Caddy with deploy/Caddyfile. In these files nothing but addresses is
// exchanged, so what is tested is what is shipped.
package topology

import (
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// onEach runs a test behind each balancer.
func onEach(t *testing.T, test func(t *testing.T, s *site)) {
	for _, kind := range []balancerKind{nginx, haproxy, caddy} {
		t.Run(kind.name, func(t *testing.T) { test(t, newSite(t, kind)) })
	}
}

func TestPhonePageAndSiteMeetAcrossNodes(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		pages, steps := map[string]bool{}, map[string]bool{}
		across := false
		deadline := time.Now().Add(patience)
		for n := 0; n < 4 || !across || len(pages) < 2 || len(steps) < 2; n++ {
			if time.Now().After(deadline) {
				t.Fatalf("after %d logins: pages on %v, phones on %v, across nodes: %v", n, pages, steps, across)
			}
			code := s.login(t, fmt.Sprintf("user%d", n))
			at, scan := s.counted(t, "made"), s.counted(t, "scanned")
			for path, node := range map[string]string{"/ws": at, "/scanned": scan} {
				if line := s.logged(t, path, n+1)[n]; s.kind.namesNodes && line.node() != node {
					t.Errorf("%s was answered by %s, and the log says %s", path, node, line.node())
				}
			}
			pages[at], steps[scan] = true, true
			across = across || at != scan
			for _, secret := range []string{code.ticket, code.key, s.poolSecret} {
				if strings.Contains(s.balancer.text(t), secret) {
					t.Error("the balancer's log holds a secret")
				}
			}
		}
		if nodes := map[string]bool{s.nodes[0].addr: true, s.nodes[1].addr: true}; !maps.Equal(pages, nodes) || !maps.Equal(steps, nodes) {
			t.Errorf("pages on %v, phones on %v", pages, steps)
		}
	})
}

func TestPageOfAKilledNodeGoesOnElsewhere(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		page := s.open(t)
		code := page.next(t, "code")
		page.next(t, "waiting")
		s.step(t, "scanned", code.Random, "alice")
		page.next(t, "scanned")

		s.nodeOf(t).kill()
		if status := page.end(t); status != -1 {
			t.Errorf("a killed node closed with %v", status)
		}
		page = s.resume(t, code)
		page.next(t, "scanned")
		s.step(t, "confirm", code.Random, "alice")
		s.redeem(t, *page.next(t, "confirmed").Ticket, "alice")
		if status := page.end(t); status != websocket.StatusNormalClosure {
			t.Errorf("closed with %v", status)
		}
	})
}

// The page is told, and nobody who calls at that time notices.
func TestNodeThatLeavesSaysSoAndLosesNoCall(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		page := s.open(t)
		code := page.next(t, "code")
		page.next(t, "waiting")

		leaving := s.nodeOf(t)
		leaving.terminate()
		pause := time.NewTicker(5 * time.Millisecond) // faster ones are too many for one address
		defer pause.Stop()
		for calling, n := true, 0; calling || n < 20; n++ {
			select {
			case <-leaving.exited:
				calling = false
			case <-pause.C:
			}
			s.call(t, s.site, "POST", "/gene", map[string]any{"userPoolId": poolID}).ok(t)
		}
		if status := page.end(t); status != websocket.StatusServiceRestart {
			t.Errorf("closed with %v", status)
		}
		if code := leaving.wait(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		page = s.resume(t, code)
		page.next(t, "waiting")
		s.step(t, "scanned", code.Random, "alice")
		page.next(t, "scanned")
	})
}

// A connection that waits to be accepted when a node closes its listener is
// reset after the call was sent. Each call of the interface may be made again.
func TestCallThatANodeDropsIsAnsweredByAnother(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		dropped := s.startDropper(t, "127.0.0.5")
		s.names.set("127.0.0.1", "127.0.0.5")
		s.eventually(t, "calls are dropped", func() bool {
			data := s.call(t, s.browser, "POST", "/gene", map[string]any{"userPoolId": poolID}).ok(t)
			random := data["random"].(string)
			s.step(t, "scanned", random, random) // by a user of its own: each may do 5 a second
			return dropped.Load() >= 3
		})
	})
}

// What compose does when it makes containers anew.
func TestNodesWithNewAddressesAreFound(t *testing.T) {
	onEach(t, func(t *testing.T, s *site) {
		s.nodes[0].kill()
		s.nodes[1].kill()
		s.names.set("127.0.0.3", "127.0.0.4")
		s.startNodes(t, "127.0.0.3", "127.0.0.4")
		s.await(t)
		s.login(t, "alice")
	})
}

func TestWithoutNodesTheBalancerAnswersAsANodeWithoutStore(t *testing.T) {
	for _, kind := range []balancerKind{nginx, caddy} { // HAProxy has its own 503
		t.Run(kind.name, func(t *testing.T) { answersWithoutNodes(t, newSite(t, kind)) })
	}
}

func answersWithoutNodes(t *testing.T, s *site) {
	s.nodes[0].kill()
	s.nodes[1].kill()
	a := s.try(t, s.browser, "GET", "/check?random="+strings.Repeat("a", 30), nil)
	if a.status != http.StatusServiceUnavailable || a.Code != 1000 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if a.header.Get("Access-Control-Allow-Origin") != origin || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("no page can read it: %v", a.header)
	}
	const ticket = "a-ticket-that-nobody-may-see"
	s.try(t, s.site, "POST", "/userinfo?ticket="+ticket, nil)
	s.logged(t, "/userinfo", 1)
	if strings.Contains(s.balancer.text(t), ticket) {
		t.Error("the log of failed requests holds a ticket")
	}
}

// With the flags of docker-compose.yml each answered step is on the disk.
func TestRedisThatIsKilledHasLostNothing(t *testing.T) {
	s := newSite(t, nginx)
	page := s.open(t)
	code := page.next(t, "code")
	page.next(t, "waiting")
	s.step(t, "scanned", code.Random, "alice")
	page.next(t, "scanned")
	s.redis.Restart()
	s.eventually(t, "the nodes find Redis again", func() bool {
		return s.call(t, s.phone, "POST", "/confirm", s.vouch(code.Random, "alice")).Code == http.StatusOK
	})
	s.redeem(t, *page.next(t, "confirmed").Ticket, "alice")
}
