package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/scanlogin/scanlogin/internal/redistest"
	"github.com/scanlogin/scanlogin/server"
)

// flood requests codes of pool p1 with the longest accepted texts, from the addresses of one
// IPv6 /48.
type flood struct {
	nodes             [2]*node
	made, held, other atomic.Int64 // answers: a code, 429, anything else
}

// ask returns the status of the response, and its Retry-After. The status is 0 if there is none: a node
// that gets no time to read a request disconnects the client.
func (f *flood) ask(i int) (status int, retryAfter string) {
	n := f.nodes[i%2]
	req, err := http.NewRequestWithContext(n.Context(), http.MethodPost, n.url+"/api/v2/qrcode/gene",
		strings.NewReader(`{"userPoolId":"p1","customData":{"a":"`+strings.Repeat("<", 500)+`"}}`))
	if err != nil {
		n.Error(err)
		return 0, ""
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", strings.Repeat("<", 512))
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("2001:db8:bad:%x::1", i%0xffff))
	res, err := unvalidated.Do(req)
	if err != nil {
		return 0, ""
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Header.Get("Retry-After")
}

// run makes at most 100 requests per second, which fill a twentieth of the test's Redis: the usage is
// measured three times between 80 % and 95 %.
func (f *flood) run(stop <-chan struct{}) {
	var workers sync.WaitGroup
	defer workers.Wait()
	var next atomic.Int64
	for range 4 {
		workers.Go(func() {
			pace := time.NewTicker(40 * time.Millisecond)
			defer pace.Stop()
			for {
				select {
				case <-stop:
					return
				case <-pace.C:
				}
				switch status, retryAfter := f.ask(int(next.Add(1))); status {
				case 200:
					f.made.Add(1)
				case 429:
					f.held.Add(1)
					if retryAfter == "" {
						f.nodes[0].Errorf("429 without Retry-After")
					}
				default:
					f.other.Add(1)
				}
			}
		})
	}
}

// logIn completes a login in the second pool; each call must succeed at the first attempt.
func logIn(t *testing.T, n *node, i int) {
	t.Helper()
	from := []string{"X-Forwarded-For", fmt.Sprintf("192.0.2.%d", i)}
	site := append([]string{"Authorization", basic("p2", otherSecret)}, from...)
	random := n.call("POST", "/gene", `{"userPoolId":"p2"}`, from...).ok()["random"].(string)
	phone := append([]string{"Authorization", "Bearer " + sign(t, otherKey, "bob")}, from...)
	n.call("POST", "/scanned", map[string]any{"random": random}, phone...).ok()
	n.call("POST", "/confirm", map[string]any{"random": random}, phone...).ok()
	ticket := n.call("GET", "/check?random="+random, nil, site...).ok()["ticket"]
	n.call("POST", "/userinfo", map[string]any{"ticket": ticket}, site...).ok()
}

// TestAFloodOfCodesInOnePoolLeavesMemoryForOthers fills a small Redis through two
// nodes: the flood is refused, logins of another pool continue, and the flooded pool continues when
// there is memory again.
func TestAFloodOfCodesInOnePoolLeavesMemoryForOthers(t *testing.T) {
	t.Parallel()
	a, b, redis := pairOn(t, redistest.Start(t, "--maxmemory", "5mb"), func(o *server.Options) {
		o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
		o.Limits.AddressRate = 10_000
	}, newPool(t, nil), secondPool(t))
	f := &flood{nodes: [2]*node{a, b}}
	stop := make(chan struct{})
	var flooding sync.WaitGroup
	flooding.Go(func() { f.run(stop) })
	defer flooding.Wait()
	defer sync.OnceFunc(func() { close(stop) })()

	ends := time.Now().Add(5 * time.Minute)
	for f.held.Load()+f.other.Load() < 50 {
		if time.Now().After(ends) {
			t.Fatalf("the flood was not refused; %d codes were created", f.made.Load())
		}
		pause()
	}
	const logins = 20
	for i := range logins {
		logIn(t, f.nodes[i%2], i)
	}
	eventually(t, "the first node holds the flood, too", func() bool {
		held := a.srv.Load().CodesHeld
		return held.Pool+held.Network > 0
	})
	p := a.dial("userPoolId=p1", http.Header{"X-Forwarded-For": {"2001:db8:bad::1"}})
	p.closed(1013)
	t.Logf("%d codes made, %d answers 429, %d others", f.made.Load(), f.held.Load(), f.other.Load())
	if f.held.Load() == 0 {
		t.Error("no request of the flood was answered with 429")
	}
	redis.Do("FLUSHALL")
	made := f.made.Load()
	eventually(t, "the flooded pool has codes again", func() bool { return f.made.Load() > made+100 })
}
