// Package topology tests the deployment that docker-compose.yml describes, without
// Docker: redis-server with the flags of that file, two nodes with
// deploy/scanlogin.yaml, and nginx, HAProxy or Caddy with their files from deploy.
// Only addresses in these files are replaced, so the tests cover what is shipped.
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

// onEach runs a test behind each load balancer.
func onEach(t *testing.T, test func(t *testing.T, d *deployment)) {
	for _, kind := range []balancerKind{nginx, haproxy, caddy} {
		t.Run(kind.name, func(t *testing.T) { test(t, newDeployment(t, kind)) })
	}
}

func TestLoginsWorkAcrossNodes(t *testing.T) {
	onEach(t, func(t *testing.T, d *deployment) {
		pages, steps := map[string]bool{}, map[string]bool{}
		across := false
		deadline := time.Now().Add(timeout)
		for n := 0; n < 4 || !across || len(pages) < 2 || len(steps) < 2; n++ {
			if time.Now().After(deadline) {
				t.Fatalf("after %d logins: pages on %v, phones on %v, across nodes: %v", n, pages, steps, across)
			}
			code := d.login(t, fmt.Sprintf("user%d", n))
			pageNode, phoneNode := d.nodeThatCounted(t, "made"), d.nodeThatCounted(t, "scanned")
			for path, node := range map[string]string{"/ws": pageNode, "/scanned": phoneNode} {
				if line := d.awaitLog(t, path, n+1)[n]; d.kind.logsNode && line.node() != node {
					t.Errorf("%s was answered by %s, and the log says %s", path, node, line.node())
				}
			}
			pages[pageNode], steps[phoneNode] = true, true
			across = across || pageNode != phoneNode
			for _, secret := range []string{code.ticket, code.key, d.poolSecret} {
				if strings.Contains(d.balancer.output(t), secret) {
					t.Error("the load balancer's log contains a secret")
				}
			}
		}
		if nodes := map[string]bool{d.nodes[0].addr: true, d.nodes[1].addr: true}; !maps.Equal(pages, nodes) || !maps.Equal(steps, nodes) {
			t.Errorf("pages on %v, phones on %v", pages, steps)
		}
	})
}

func TestPageResumesOnAnotherNodeAfterAKill(t *testing.T) {
	onEach(t, func(t *testing.T, d *deployment) {
		page := d.open(t)
		code := page.next(t, "code")
		d.step(t, "scanned", code.Random, "alice")
		page.next(t, "scanned")

		d.nodeWithPage(t).Kill()
		if status := page.closeStatus(t); status != -1 {
			t.Errorf("a killed node closed with %v", status)
		}
		page = d.resume(t, code)
		page.next(t, "scanned")
		d.step(t, "confirm", code.Random, "alice")
		d.redeem(t, *page.next(t, "confirmed").Ticket, "alice")
		if status := page.closeStatus(t); status != websocket.StatusNormalClosure {
			t.Errorf("closed with %v", status)
		}
	})
}

func TestNodeThatShutsDownClosesWith1012AndFailsNoCall(t *testing.T) {
	onEach(t, func(t *testing.T, d *deployment) {
		page := d.open(t)
		code := page.next(t, "code")

		leaving := d.nodeWithPage(t)
		leaving.Terminate()
		pause := time.NewTicker(5 * time.Millisecond) // a higher rate exceeds the limit of one address
		defer pause.Stop()
		for calling, n := true, 0; calling || n < 20; n++ {
			select {
			case <-leaving.Exited():
				calling = false
			case <-pause.C:
			}
			d.call(t, d.site, "POST", "/gene", map[string]any{"userPoolId": poolID}).ok(t)
		}
		if status := page.closeStatus(t); status != websocket.StatusServiceRestart {
			t.Errorf("closed with %v", status)
		}
		if code := leaving.exitCode(t); code != 0 {
			t.Errorf("exit code %d", code)
		}
		page = d.resume(t, code)
		page.next(t, "waiting")
		d.step(t, "scanned", code.Random, "alice")
		page.next(t, "scanned")
	})
}

// A connection in the accept queue is reset when the node closes its listener,
// after the client sent its request. Every API call may be repeated.
func TestRequestThatOneNodeResetsIsAnsweredByAnother(t *testing.T) {
	onEach(t, func(t *testing.T, d *deployment) {
		dropped := d.startResettingNode(t, "127.0.0.5")
		d.names.set("127.0.0.1", "127.0.0.5")
		d.eventually(t, "requests are reset", func() bool {
			data := d.call(t, d.browser, "POST", "/gene", map[string]any{"userPoolId": poolID}).ok(t)
			random := data["random"].(string)
			d.step(t, "scanned", random, random) // a new user each time: one user may make 5 calls per second
			return dropped.Load() >= 3
		})
	})
}

// Outside Docker, operators replace the name of the nodes by their addresses.
func TestLoadBalancersKnowNodesByFixedAddresses(t *testing.T) {
	for _, kind := range []balancerKind{nginx, haproxy, caddy} {
		t.Run(kind.name, func(t *testing.T) {
			d := newDeployment(t, kind.withFixedAddresses())
			d.names.set() // nobody may ask
			d.login(t, "alice")
			d.nodes[0].Kill()
			d.login(t, "bob")
			if kind.name != "haproxy" { // which waits for its health check
				d.quicklyRestartInTurn(t)
			}
		})
	}
}

// quicklyRestartInTurn starts the first node again, and kills the second one at once. The first
// one, which failed a moment ago, must get all calls.
func (d *deployment) quicklyRestartInTurn(t *testing.T) {
	t.Helper()
	d.nodes[0] = d.startNode(t, "127.0.0.1")
	d.nodes[1].Kill()
	for range 20 {
		a := d.try(t, d.browser, "POST", "/gene", map[string]any{"userPoolId": poolID})
		if fromNode := a.header.Get("X-Request-Id") != ""; a.Code != http.StatusOK && !fromNode {
			t.Fatalf("the load balancer refused a call: %s", a.raw)
		}
	}
}

// Docker's name server lists a killed container for some seconds.
func TestNoCallFailsWhileTheNamesContainAKilledNode(t *testing.T) {
	onEach(t, func(t *testing.T, d *deployment) {
		d.nodes[1].Kill()
		refused := 0
		const calls = 50
		for range calls {
			a := d.try(t, d.browser, "POST", "/gene", map[string]any{"userPoolId": poolID})
			if fromNode := a.header.Get("X-Request-Id") != ""; a.Code != http.StatusOK && !fromNode {
				refused++
			}
			time.Sleep(5 * time.Millisecond) // a higher rate exceeds the limit of one address
		}
		if refused > 0 {
			t.Errorf("the load balancer refused %d of %d calls", refused, calls)
		}
	})
}

// A node that resets a connection may have exchanged the authorization code before. A second
// request with it would revoke the tokens of the first.
func TestATokenRequestIsSentToOneNode(t *testing.T) {
	onEach(t, func(t *testing.T, d *deployment) {
		a, b := d.startResettingNode(t, "127.0.0.5"), d.startResettingNode(t, "127.0.0.6")
		d.names.set("127.0.0.5", "127.0.0.6")
		sent := func(path string) int64 {
			before := a.Load() + b.Load()
			res, err := d.site.Post("http://"+d.balancerAddr+path, "application/x-www-form-urlencoded", strings.NewReader("grant_type=authorization_code"))
			if err == nil {
				res.Body.Close()
			}
			return a.Load() + b.Load() - before
		}
		d.eventually(t, "other requests are repeated, if they are at all", func() bool {
			times := sent(api + "/scanned")
			return times >= 2 || times == 1 && !d.kind.retries
		})
		for _, path := range []string{"/oidc/main/token", "/oidc/token"} {
			for range 5 {
				if times := sent(path); times > 1 {
					t.Errorf("%s was sent %d times", path, times)
				}
			}
		}
	})
}

// Docker Compose gives new addresses to containers that it recreates.
func TestLoadBalancerFindsNodesAtNewAddresses(t *testing.T) {
	onEach(t, func(t *testing.T, d *deployment) {
		d.nodes[0].Kill()
		d.nodes[1].Kill()
		d.names.set("127.0.0.3", "127.0.0.4")
		d.startNodes(t, "127.0.0.3", "127.0.0.4")
		d.await(t)
		d.login(t, "alice")
	})
}

func TestLoadBalancerWithoutNodesAnswersLikeANodeWithoutRedis(t *testing.T) {
	for _, kind := range []balancerKind{nginx, caddy} { // HAProxy has its own 503 response
		t.Run(kind.name, func(t *testing.T) { answersWithoutNodes(t, newDeployment(t, kind)) })
	}
}

func answersWithoutNodes(t *testing.T, d *deployment) {
	d.nodes[0].Kill()
	d.nodes[1].Kill()
	a := d.try(t, d.browser, "GET", "/check?random="+strings.Repeat("a", 30), nil)
	if a.status != http.StatusServiceUnavailable || a.Code != 1000 || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if a.header.Get("Access-Control-Allow-Origin") != origin || a.header.Get("Content-Type") != "application/json" {
		t.Errorf("browsers cannot read the answer: %v", a.header)
	}
	const ticket = "a-ticket-that-nobody-may-see"
	d.try(t, d.site, "POST", "/userinfo?ticket="+ticket, nil)
	d.awaitLog(t, "/userinfo", 1)
	if strings.Contains(d.balancer.output(t), ticket) {
		t.Error("the log of failed requests contains a ticket")
	}
}

// With the flags of docker-compose.yml, Redis writes every acknowledged step to disk.
func TestKilledRedisLosesNoAcknowledgedStep(t *testing.T) {
	d := newDeployment(t, nginx)
	page := d.open(t)
	code := page.next(t, "code")
	d.step(t, "scanned", code.Random, "alice")
	page.next(t, "scanned")
	d.redis.Restart()
	d.eventually(t, "the nodes reconnect to Redis", func() bool {
		return d.call(t, d.phone, "POST", "/confirm", d.vouch(code.Random, "alice")).Code == http.StatusOK
	})
	d.redeem(t, *page.next(t, "confirmed").Ticket, "alice")
}
