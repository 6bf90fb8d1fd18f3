package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/scanlogin/scanlogin/internal/config/configtest"
	"github.com/scanlogin/scanlogin/internal/redistest"
)

// hostile is the value of each field that a client may set.
const hostile = `hostile"value}`

// storyNode is a running `serve`.
type storyNode struct{ url, ops string }

// startNodes runs nodes that share a Redis, with two pools: codes of `one` expire after 2 s,
// those of `two` after 10 s.
func startNodes(t *testing.T, n int) []*storyNode {
	t.Helper()
	redis := redistest.Start(t)
	file := writeFile(t, "scanlogin.yaml", fmt.Sprintf(`public_url: http://127.0.0.1:8080
listen: 127.0.0.1:0
ops_listen: 127.0.0.1:0
redis_url: %s
signing_key: file:%[3]s
pools:
  - {id: one, secret: %[2]s, code_ttl: 2s, confirm_ttl: 2s, ticket_ttl: 2s}
  - {id: two, secret: %[2]s, code_ttl: 10s, confirm_ttl: 10s, ticket_ttl: 10s, clients: [{id: app, redirect_uris: [https://app.example.com/callback]}]}
`, redis.URL(), testSecret, configtest.WriteFile(t, "signing.pem", configtest.SigningKey(t, "PRIVATE KEY"))))
	var nodes []*storyNode
	for range n {
		s := start(t, "serve", "--config", file)
		nodes = append(nodes, &storyNode{"http://" + s.wait(t, `"listen":"([^"]+)"`), "http://" + s.wait(t, `"ops":"([^"]+)"`)})
	}
	return nodes
}

// answers counts the answers, by the labels of the metrics.
type answers struct {
	mu                                                      sync.Mutex
	made, scanned, confirmed, ended, steps, pushed, refused map[string]int
}

func (a *answers) count(in map[string]int, labels ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	in[strings.Join(labels, " ")]++
}

// reasons holds the errors that the logins provoke.
var reasons = map[int]string{
	2231: "invalid_field", 1001: "invalid_credentials", 2224: "no_pool", 2241: "no_code", 500: "invalid_code",
	2242: "expired", 2243: "not_scanned", 2246: "invalid_ticket", 404: "no_route",
}

// story is the life of one code. Each request goes to the next node.
type story struct {
	ctx    context.Context
	nodes  []*storyNode
	n      int
	want   *answers
	pool   string
	code   string
	status string // the last known one
}

// playAll runs 280 logins of all kinds.
func playAll(t *testing.T, nodes []*storyNode) *answers {
	t.Helper()
	a := &answers{
		made: map[string]int{}, scanned: map[string]int{}, confirmed: map[string]int{}, ended: map[string]int{},
		steps: map[string]int{}, pushed: map[string]int{}, refused: map[string]int{},
	}
	group, ctx := errgroup.WithContext(t.Context())
	group.SetLimit(16)
	for i := range 280 {
		group.Go(func() error {
			s := &story{ctx: ctx, nodes: nodes, n: i, want: a, pool: []string{"one", "two"}[i/8%2], status: "waiting"}
			return s.play(i % 8)
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	return a
}

func (s *story) play(kind int) error {
	switch kind {
	case 0, 1:
		return s.refresh(kind == 1)
	case 2:
		return s.nonsense()
	}
	data, err := s.ask(http.MethodPost, "gene", map[string]any{"userPoolId": s.pool, "customData": map[string]string{hostile: hostile}})
	if err != nil {
		return err
	}
	s.code, _ = data["random"].(string)
	s.want.count(s.want.made, s.pool)
	page, err := s.watch(kind)
	if err != nil {
		return err
	}
	for _, call := range map[int][]string{
		3: {"confirm"}, // not scanned: refused
		4: {"scanned"},
		5: {"scanned", "confirm"},
		6: {"scanned", "confirm", "userinfo", "userinfo"}, // the second is refused
		7: {"scanned", "scanned", "cancel"},
	}[kind] {
		if err := s.step(call); err != nil {
			return err
		}
	}
	if s.status != "" {
		s.want.count(s.want.ended, s.status, "expired", s.pool)
	}
	return page()
}

// step makes a request for the code and counts the result.
func (s *story) step(call string) error {
	body := map[string]any{"random": s.code, "user": map[string]any{"id": s.code, "nickname": hostile}}
	if call == "userinfo" {
		data, err := s.ask(http.MethodGet, "check?random="+s.code, nil)
		if err != nil {
			return err
		}
		if body["ticket"] = data["ticket"]; data["ticket"] == nil {
			body["ticket"] = s.code + ".spent"
		}
	}
	before := s.status
	if data, err := s.ask(http.MethodPost, call, body); err != nil || data == nil {
		return err
	}
	after := map[string]string{"scanned": "scanned", "confirm": "confirmed", "cancel": "canceled", "userinfo": "exchanged"}[call]
	if before == after { // repeated
		return nil
	}
	s.want.count(s.want.steps, s.pool, after)
	switch s.status = after; after {
	case "scanned":
		s.want.count(s.want.scanned, s.pool)
	case "confirmed":
		s.want.count(s.want.confirmed, s.pool)
	default:
		s.want.count(s.want.ended, before, after, s.pool)
		s.status = ""
	}
	return nil
}

// ask calls the next node with the secret of the pool. A refusal is counted and returns no
// data.
func (s *story) ask(method, call string, body map[string]any) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	s.n++
	req, err := http.NewRequestWithContext(s.ctx, method, s.nodes[s.n%len(s.nodes)].url+"/api/v2/qrcode/"+call, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", hostile)
	req.SetBasicAuth(s.pool, testSecret)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var answer struct {
		Code int
		Data map[string]any
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", call, err)
	}
	if answer.Code == http.StatusOK {
		return answer.Data, nil
	}
	reason := reasons[answer.Code]
	name, _, _ := strings.Cut(call, "/")
	if name == url.PathEscape(hostile) { // not a request
		name = ""
	}
	switch reason {
	case "no_route", "no_pool", "no_code", "invalid_code", "invalid_credentials": // no pool is known
		s.want.count(s.want.refused, name, "", reason)
	case "":
		return nil, fmt.Errorf("%s answered %d", call, answer.Code)
	default:
		s.want.count(s.want.refused, name, s.pool, reason)
	}
	return nil, nil
}

// nonsense sends values that must not become labels.
func (s *story) nonsense() error {
	for call, body := range map[string]map[string]any{
		"gene":                       {"userPoolId": hostile},
		"scanned":                    {"random": hostile},
		"userinfo":                   {"ticket": hostile},
		url.PathEscape(hostile):      nil,
		"image/" + "x" + hostile[:7]: nil,
	} {
		method := http.MethodPost
		if body == nil {
			method = http.MethodGet
		}
		if _, err := s.ask(method, call, body); err != nil {
			return err
		}
	}
	return nil
}

// readRepository reads a file of the repository.
func readRepository(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// decodeAnswer reads JSON.
func decodeAnswer(t *testing.T, in io.Reader, into any) {
	t.Helper()
	if err := json.NewDecoder(in).Decode(into); err != nil {
		t.Fatal(err)
	}
}
