package rolling

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/scanlogin/scanlogin/internal/process"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

const (
	api        = "/api/v2/qrcode"
	poolSecret = "the secret of the pool of this test"
	timeout    = 30 * time.Second // of every wait
)

const nodeConfig = `listen: 127.0.0.1:0
ops_listen: 127.0.0.1:0
public_url: http://127.0.0.1:8080
redis_url: %s
limits: {address_rate: 10000, miss_rate: 10000, user_rate: 10000}
pools:
  - id: p1
    secret: "%s"
    vouching: true
`

// node is a running program.
type node struct {
	name, url string
}

// startBoth starts a node of each release on one Redis.
func startBoth(t *testing.T) (older, newer *node) {
	t.Helper()
	buildPrevious(t)
	redis := redistest.Start(t)
	return startNode(t, redis, "previous", previous), startNode(t, redis, "current", current)
}

var listening = regexp.MustCompile(`"listen":"([^"]+)"[^\n]*"ops":"([^"]+)"|"ops":"([^"]+)"[^\n]*"listen":"([^"]+)"`)

func startNode(t *testing.T, redis *redistest.Server, name, path string) *node {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "scanlogin.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, nodeConfig, redis.URL(), poolSecret), 0o600); err != nil {
		t.Fatal(err)
	}
	p := process.New(dir, name, path, "serve", "--config", file)
	p.Env = process.CleanEnv()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Kill)
	n := &node{name: name}
	err := p.Await(t.Context(), func(ctx context.Context) error {
		text, err := p.Output()
		if err != nil {
			return err
		}
		match := listening.FindSubmatch(text)
		if match == nil {
			return fmt.Errorf("it does not listen yet")
		}
		n.url = "http://" + string(match[1]) + string(match[4])
		return process.IsReady("http://" + string(match[2]) + string(match[3]) + "/readyz")(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// post calls the API as the pool's site, and returns code and data of the answer.
func (n *node) post(t testing.TB, path string, body map[string]any) (code int, data map[string]any) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.url+api+path, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth("p1", poolSecret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	defer res.Body.Close()
	var answer struct {
		Code int
		Data map[string]any
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Error(err)
	}
	return answer.Code, answer.Data
}

// step has the app's back end make a step for alice, which must be answered with want.
func (n *node) step(t testing.TB, step, random string, want int) {
	t.Helper()
	if code, _ := n.post(t, "/"+step, map[string]any{"random": random, "user": map[string]any{"id": "alice"}}); code != want {
		t.Errorf("%s on the %s node: %d, want %d", step, n.name, code, want)
	}
}

// message is what a page is told.
type message struct {
	Event      string
	Random     string
	BrowserKey string
	Ticket     string
	Version    int64
}

// page is a login page that has the code of its first message.
type page struct {
	random, key string
	codes       int
}

// connect opens a socket as a page does that makes its own codes, and reads until the event. It
// resumes the page's code, and keeps the one that it is given instead.
func (p *page) connect(t *testing.T, n *node, until string) message {
	t.Helper()
	last, leave := p.open(t, n)(until)
	leave()
	return last
}

// open opens a socket, and returns the function that reads from it until an event.
func (p *page) open(t *testing.T, n *node) (read func(until string) (last message, leave func())) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	t.Cleanup(cancel)
	query, offer := "userPoolId=p1", []string{"scanlogin.v1"}
	if p.random != "" {
		query, offer = query+"&random="+p.random, append(offer, "key."+p.key)
	}
	conn, _, err := websocket.Dial(ctx, n.url+api+"/ws?"+query, &websocket.DialOptions{Subprotocols: offer})
	if err != nil {
		t.Fatalf("the %s node: %v", n.name, err)
	}
	return func(until string) (last message, leave func()) {
		t.Helper()
		for last.Event != until {
			_, text, err := conn.Read(ctx)
			if err != nil {
				t.Fatalf("the %s node closed with %d, before %s", n.name, websocket.CloseStatus(err), until)
			}
			last = message{}
			if err := json.Unmarshal(text, &last); err != nil {
				t.Fatal(err)
			}
			if last.Event == "code" && last.Random != p.random {
				p.random, p.key = last.Random, last.BrowserKey
				p.codes++
			}
			if last.Event == "code" && last.Version > 0 { // it is the first status, too
				last.Event = "waiting"
			}
		}
		return last, func() { _ = conn.CloseNow() }
	}
}
