package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrape is the text of /metrics of a node, and its metric families by name.
type scrape struct {
	text     []byte
	families map[string]*dto.MetricFamily
}

func (n *storyNode) scrape(t *testing.T) scrape {
	t.Helper()
	status, text := call(t, http.MethodGet, n.ops+"/metrics", "")
	if status != http.StatusOK {
		t.Fatalf("metrics: %d", status)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return scrape{text, families}
}

// sum adds up a metric over scrapes, by the values of its labels in the order of their
// names. The value of a histogram is its count.
func sum(name string, of ...scrape) map[string]int {
	total := make(map[string]int)
	for _, s := range of {
		for _, m := range s.families[name].GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			value := m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			total[strings.Join(labels, " ")] += int(value)
		}
	}
	maps.DeleteFunc(total, func(_ string, n int) bool { return n == 0 })
	return total
}

func all(counts map[string]int) (n int) {
	for _, v := range counts {
		n += v
	}
	return n
}

// TestMetricsAddUpOverNodes runs logins of all kinds on two nodes that share a Redis, and
// compares the metrics with the answers.
func TestMetricsAddUpOverNodes(t *testing.T) {
	nodes := startNodes(t, 2)
	want := playAll(t, nodes)
	var seen []scrape
	deadline := time.Now().Add(2 * time.Minute)
	for unresolved := -1; unresolved != 0; {
		if time.Now().After(deadline) {
			t.Fatalf("the end of %d codes is still unknown", unresolved)
		}
		time.Sleep(100 * time.Millisecond) // between two scrapes
		seen = []scrape{nodes[0].scrape(t), nodes[1].scrape(t)}
		unresolved = all(sum("scanlogin_codes_unresolved", seen...))
	}
	seen = []scrape{nodes[0].scrape(t), nodes[1].scrape(t)} // the first metrics of a scrape may be older than the last
	same := func(name string, want map[string]int) {
		t.Helper()
		if got := sum(name, seen...); !maps.Equal(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", name, got, want)
		}
	}
	same("scanlogin_codes_made_total", want.made)
	same("scanlogin_codes_scanned_total", want.scanned)
	same("scanlogin_codes_confirmed_total", want.confirmed)
	same("scanlogin_codes_ended_total", want.ended)
	same("scanlogin_code_step_duration_seconds", want.steps)
	same("scanlogin_push_delay_seconds", want.pushed)
	same("scanlogin_requests_refused_total", want.refused)
	if made, ended := all(want.made), all(sum("scanlogin_codes_ended_total", seen...)); made != ended || made < 200 {
		t.Errorf("%d codes were made, %d ended", made, ended)
	}
	for _, s := range seen {
		checkConventions(t, s)
		checkLabels(t, s)
		checkStore(t, s)
	}
	checkDescribed(t, seen[0])
}

// checkConventions runs the linters of Prometheus.
func checkConventions(t *testing.T, s scrape) {
	t.Helper()
	found, err := promlint.New(bytes.NewReader(s.text)).Lint()
	if err != nil || len(found) > 0 {
		t.Errorf("promlint: %v %v", err, found)
	}
	promtool(t, bytes.NewReader(s.text), "check", "metrics")
}

// promtool runs the checker of Prometheus.
func promtool(t *testing.T, in *bytes.Reader, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	if in != nil {
		cmd.Stdin = in
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v (Debian package: prometheus)\n%s", strings.Join(args, " "), err, out)
	}
}

// mayBe holds the allowed values of each label.
var mayBe = map[string]*regexp.Regexp{
	"pool":      regexp.MustCompile(`^(one|two|)$`),
	"client":    regexp.MustCompile(`^app$`),
	"how":       regexp.MustCompile(`^(canceled|withdrawn|exchanged|expired|lost)$`),
	"after":     regexp.MustCompile(`^(waiting|scanned|confirmed|unknown)$`),
	"step":      regexp.MustCompile(`^(scanned|confirmed|canceled|exchanged)$`),
	"outcome":   regexp.MustCompile(`^(delivered|failed|dead|dropped)$`),
	"operation": regexp.MustCompile(`^(load|create|apply)$`),
	"call":      regexp.MustCompile(`^(gene|check|userinfo|scanned|confirm|cancel|image|ws|events|)$`),
	"reason":    regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`),
}

func checkLabels(t *testing.T, s scrape) {
	t.Helper()
	for name, family := range s.families {
		if !strings.HasPrefix(name, "scanlogin_") {
			continue
		}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if values := mayBe[l.GetName()]; values == nil || !values.MatchString(l.GetValue()) {
					t.Errorf("%s has %s=%q", name, l.GetName(), l.GetValue())
				}
			}
		}
	}
	if bytes.Contains(s.text, []byte(hostile)) || bytes.Contains(s.text, []byte(testSecret)) {
		t.Error("the metrics contain values from a client")
	}
}

// checkStore expects calls of the store without failures.
func checkStore(t *testing.T, s scrape) {
	t.Helper()
	calls := sum("scanlogin_store_duration_seconds", s)
	if calls["load"] < 100 || calls["create"] < 100 || calls["apply"] < 100 || all(sum("scanlogin_store_failures_total", s)) != 0 {
		t.Errorf("store: %v, failures %v", calls, sum("scanlogin_store_failures_total", s))
	}
	if age := s.families["scanlogin_bus_age_seconds"].GetMetric()[0].GetGauge().GetValue(); !(age >= 0 && age < 60) {
		t.Errorf("the bus is %v s old", age)
	}
	if reads := all(sum("scanlogin_bus_reads_total", s)); reads == 0 {
		t.Error("the bus made no reads")
	}
}

// checkDescribed compares docs/metrics.md, the dashboard and the alerts with the metrics of a
// node: they may not name a metric that does not exist.
func checkDescribed(t *testing.T, s scrape) {
	t.Helper()
	for _, file := range []string{"docs/metrics.md", "deploy/grafana-dashboard.json", "deploy/alerts.yaml", "deploy/alerts.test.yaml"} {
		for _, name := range metricNames(readRepository(t, file)) {
			family := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
			if s.families[name] == nil && s.families[family].GetType() != dto.MetricType_HISTOGRAM {
				t.Errorf("%s names %s, which does not exist", file, name)
			}
		}
	}
	docs := readRepository(t, "docs/metrics.md")
	for name, family := range s.families {
		if !strings.HasPrefix(name, "scanlogin_") {
			continue
		}
		row := fmt.Sprintf("| `%s` | %s | %s | %s |", name, strings.ToLower(family.GetType().String()), labelNames(family), family.GetHelp())
		if !strings.Contains(docs, row+"\n") {
			t.Errorf("docs/metrics.md lacks the row\n%s", row)
		}
	}
}

// metricNames returns the names of metrics in a text, except up, which Prometheus makes.
func metricNames(text string) []string {
	names := regexp.MustCompile(`\b(scanlogin|go|process)_[a-z0-9_]+\b`).FindAllString(text, -1)
	slices.Sort(names)
	return slices.Compact(names)
}

func labelNames(family *dto.MetricFamily) string {
	var names []string
	for _, l := range family.GetMetric()[0].GetLabel() {
		names = append(names, "`"+l.GetName()+"`")
	}
	return strings.Join(names, ", ")
}

// TestAlertRulesPassTheirTests runs promtool on the alert rules.
func TestAlertRulesPassTheirTests(t *testing.T) {
	promtool(t, nil, "check", "rules", "../../deploy/alerts.yaml")
	promtool(t, nil, "test", "rules", "../../deploy/alerts.test.yaml")
}

// TestDashboardQueriesAreValid makes a rule of each query in the
// dashboard, because promtool checks rules.
func TestDashboardQueriesAreValid(t *testing.T) {
	var dashboard struct {
		Panels []struct{ Targets []struct{ Expr string } }
	}
	if err := json.Unmarshal([]byte(readRepository(t, "deploy/grafana-dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "1m", "$job", "scanlogin", "$pool", "p")
	rules := "groups:\n  - name: dashboard\n    rules:\n"
	queries := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries++
			rules += fmt.Sprintf("      - {record: 'q:%d', expr: %q}\n", queries, variables.Replace(target.Expr))
		}
	}
	if queries < 20 {
		t.Errorf("%d queries", queries)
	}
	promtool(t, nil, "check", "rules", writeFile(t, "dashboard.yaml", rules))
}
