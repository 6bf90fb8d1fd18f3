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

	"github.com/scanlogin/scanlogin/internal/redistest"
)

// hostile is what a client writes wherever it may write something.
const hostile = `hostile"value}`

// storyNode is a running `serve`.
type storyNode struct{ url, ops string }

// startNodes runs nodes that share a Redis, with two pools: codes of `one` are
// over after 2 s, those of `two` after 10.
func startNodes(t *testing.T, n int) []*storyNode {
	t.Helper()
	redis := redistest.Start(t)
	file := writeFile(t, "scanlogin.yaml", fmt.Sprintf(`public_url: http://127.0.0.1:8080
listen: 127.0.0.1:0
ops_listen: 127.0.0.1:0
redis_url: %s
pools:
  - {id: one, secret: %[2]s, code_ttl: 2s, confirm_ttl: 2s, ticket_ttl: 2s}
  - {id: two, secret: %[2]s, code_ttl: 10s, confirm_ttl: 10s, ticket_ttl: 10s}
`, redis.URL(), testSecret))
	var nodes []*storyNode
	for range n {
		s := start(t, "serve", "--config", file)
		nodes = append(nodes, &storyNode{"http://" + s.wait(t, `"listen":"([^"]+)"`), "http://" + s.wait(t, `"ops":"([^"]+)"`)})
	}
	return nodes
}

// told is what people were answered, by the labels of the metrics.
type told struct {
	mu                                                      sync.Mutex
	made, scanned, confirmed, ended, steps, pushed, refused map[string]int
}

func (a *told) count(in map[string]int, labels ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	in[strings.Join(labels, " ")]++
}

// reasons are the rows of the table of errors that the stories meet.
var reasons = map[int]string{
	2231: "invalid_field", 1001: "invalid_credentials", 2224: "no_pool", 2241: "no_code", 500: "invalid_code",
	2242: "expired", 2243: "not_scanned", 2246: "invalid_ticket", 404: "no_route",
}

// story is one code's. Each call goes to the next node.
type story struct {
	ctx   context.Context
	nodes []*storyNode
	n     int
	told  *told
	pool  string
	code  string
	stood string // the last status that it is known to have had
}

// playAll plays some hundred stories of all kinds.
func playAll(t *testing.T, nodes []*storyNode) *told {
	t.Helper()
	a := &told{
		made: map[string]int{}, scanned: map[string]int{}, confirmed: map[string]int{}, ended: map[string]int{},
		steps: map[string]int{}, pushed: map[string]int{}, refused: map[string]int{},
	}
	people, ctx := errgroup.WithContext(t.Context())
	people.SetLimit(16)
	for i := range 280 {
		people.Go(func() error {
			s := &story{ctx: ctx, nodes: nodes, n: i, told: a, pool: []string{"one", "two"}[i/8%2], stood: "waiting"}
			return s.play(i % 8)
		})
	}
	if err := people.Wait(); err != nil {
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
	s.told.count(s.told.made, s.pool)
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
	if s.stood != "" {
		s.told.count(s.told.ended, s.stood, "expired", s.pool)
	}
	return page()
}

// step makes a call about the code and counts what came of it.
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
	before := s.stood
	if data, err := s.ask(http.MethodPost, call, body); err != nil || data == nil {
		return err
	}
	after := map[string]string{"scanned": "scanned", "confirm": "confirmed", "cancel": "canceled", "userinfo": "exchanged"}[call]
	if before == after { // repeated
		return nil
	}
	s.told.count(s.told.steps, s.pool, after)
	switch s.stood = after; after {
	case "scanned":
		s.told.count(s.told.scanned, s.pool)
	case "confirmed":
		s.told.count(s.told.confirmed, s.pool)
	default:
		s.told.count(s.told.ended, before, after, s.pool)
		s.stood = ""
	}
	return nil
}

// ask calls the next node with the pool's secret. A refused call is counted,
// and has no data.
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
	if name == url.PathEscape(hostile) { // no call
		name = ""
	}
	switch reason {
	case "no_route", "no_pool", "no_code", "invalid_code", "invalid_credentials": // no pool is known
		s.told.count(s.told.refused, name, "", reason)
	case "":
		return nil, fmt.Errorf("%s answered %d", call, answer.Code)
	default:
		s.told.count(s.told.refused, name, s.pool, reason)
	}
	return nil, nil
}

// nonsense writes what should not be counted by what it says.
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
