package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
)

// result is the outcome of an attack on one program.
type result struct {
	ran     bool
	logins  int
	refused int
	why     []string // the first reasons of refused logins

	openP95, openMax, pictureMax, loginMax float64 // ms

	resident      int // MiB, of the larger node
	files         int // of the node with more open files
	lines, warned int // log lines and warnings of both nodes
	figures       []namedFigure
	failed        []string // expectations that were not met
	warnings      []string // one line of each distinct warning
}

func (env *environment) result(c *visitors) result {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := result{
		ran: true, logins: len(c.whole), refused: len(c.refused), why: c.refused[:min(len(c.refused), 3)],
		openP95: quantile(c.open, 0.95), openMax: quantile(c.open, 1), pictureMax: quantile(c.picture, 1), loginMax: quantile(c.whole, 1),
		figures: env.figures,
	}
	for _, n := range env.nodes {
		r.resident, r.files = max(r.resident, n.usage.resident/1024), max(r.files, n.usage.files)
		lines, warned := n.logLines()
		r.lines, r.warned = r.lines+lines, r.warned+warned
		r.warnings = append(r.warnings, n.warnings()...)
	}
	if env.hasWebhook() {
		missing := env.webhooks.missing(c.users)
		r.figures = append(r.figures, namedFigure{"logins without their webhook after 30 s", float64(missing)})
	}
	return r
}

// row is an attack and its results on the older and the current program.
type row struct {
	attack
	before, after result
}

func (r row) text() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s\n", r.name, r.about)
	for _, side := range []struct {
		name string
		result
	}{{"before", r.before}, {"after", r.after}} {
		if side.ran {
			fmt.Fprintf(&out, "  %-7s %s\n", side.name, side.result)
		}
		for _, why := range side.why {
			fmt.Fprintf(&out, "          refused: %s\n", why)
		}
	}
	for _, what := range r.after.failed {
		fmt.Fprintf(&out, "  FAILED  %s\n", what)
	}
	if len(r.after.failed) > 0 {
		for _, line := range r.after.warnings {
			fmt.Fprintf(&out, "          %s\n", line)
		}
	}
	return out.String()
}

func (r result) String() string {
	parts := []string{fmt.Sprintf("logins %d, refused %d", r.logins, r.refused)}
	if r.logins > 0 {
		parts = append(parts, fmt.Sprintf("code p95 %.0f ms, at most %.0f; picture at most %.0f; login at most %.0f ms", r.openP95, r.openMax, r.pictureMax, r.loginMax))
	}
	parts = append(parts, fmt.Sprintf("%d MiB, %d files, %d log lines", r.resident, r.files, r.lines))
	for _, f := range r.figures {
		parts = append(parts, fmt.Sprintf("%s %s", f.name, number(f.value)))
	}
	return join(parts)
}

func number(n float64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", n), "0"), ".")
}

// tableOf formats the rows as a Markdown table.
func tableOf(rows []row) string {
	var out strings.Builder
	out.WriteString("| attack | | logins | refused | code p95 / most (ms) | picture most (ms) | memory (MiB) | files | log lines | |\n|---|---|--:|--:|--:|--:|--:|--:|--:|---|\n")
	for _, r := range rows {
		name := "`" + r.name + "`"
		for _, side := range []struct {
			name string
			result
		}{{"before", r.before}, {"after", r.after}} {
			if !side.ran {
				continue
			}
			var figures []string
			for _, f := range side.figures {
				figures = append(figures, f.name+": "+number(f.value))
			}
			fmt.Fprintf(&out, "| %s | %s | %d | %d | %.0f / %.0f | %.0f | %d | %d | %d | %s |\n", name, side.name, side.logins, side.refused,
				side.openP95, side.openMax, side.pictureMax, side.resident, side.files, side.lines, join(figures))
			name = ""
		}
	}
	return out.String()
}

// receiver is the attacked pool's webhook receiver. It answers 204, or 503 while
// it is down.
type receiver struct {
	address string
	server  *http.Server
	served  chan struct{}

	mu        sync.Mutex
	down      bool
	calls     int
	exchanged map[string]bool // users
}

func newReceiver() (*receiver, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &receiver{address: ln.Addr().String(), served: make(chan struct{}), exchanged: make(map[string]bool)}
	r.server = &http.Server{Handler: r}
	go func() {
		_ = r.server.Serve(ln)
		close(r.served)
	}()
	return r, nil
}

// ServeHTTP implements http.Handler.
func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	text, err := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	if err != nil || r.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	if _, rest, ok := strings.Cut(string(text), `"id":"user`); ok && strings.Contains(string(text), `"code.exchanged"`) {
		number, _, _ := strings.Cut(rest, `"`)
		r.exchanged["user"+number] = true
	}
	w.WriteHeader(http.StatusNoContent)
}

func (r *receiver) setDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// missing counts the users whose login was not reported.
func (r *receiver) missing(users []string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, user := range users {
		if !r.exchanged[user] {
			n++
		}
	}
	return n
}

func (r *receiver) close() {
	_ = r.server.Close()
	<-r.served
}
