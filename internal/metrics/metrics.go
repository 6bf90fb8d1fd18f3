// Package metrics counts what a node does, for Prometheus.
//
// It promises names and units by Prometheus' conventions; that each label's
// values are few and come from the configuration and this program, never from a
// client; that the ends of codes, added up over the nodes that made and ended
// them, are the codes that were made, as far as the store told of them; and that
// counting one event takes less than a microsecond and holds up nobody.
// docs/metrics.md explains each metric.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "scanlogin"

// Metrics is what one node counts. Make it with New.
type Metrics struct {
	registry *prometheus.Registry

	made, scanned, confirmed *prometheus.CounterVec // by pool
	ended                    *prometheus.CounterVec // by pool, how, after
	refused                  *prometheus.CounterVec // by pool, call, reason
	steps                    *prometheus.HistogramVec
	pushes                   *prometheus.HistogramVec
	deliveries               *prometheus.CounterVec // by pool, outcome
	calls                    *prometheus.HistogramVec
	failures                 *prometheus.CounterVec
}

// Buckets, in seconds: people take seconds to minutes, and a site's exchange
// milliseconds; a push one publish of Redis and one write; a call of the store
// a round trip, and 1.5 s when it is given up.
var (
	stepBuckets = []float64{.05, .25, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600}
	pushBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	callBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2}
)

// New makes the metrics of a node. For pools it shows zeros at once, so that
// the first event of each is an increase.
func New(pools ...string) *Metrics {
	r := prometheus.NewRegistry()
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
		r.MustRegister(h)
		return h
	}
	m := &Metrics{
		registry:   r,
		made:       counter("codes_made_total", "Codes made.", "pool"),
		scanned:    counter("codes_scanned_total", "Codes scanned.", "pool"),
		confirmed:  counter("codes_confirmed_total", "Codes confirmed.", "pool"),
		ended:      counter("codes_ended_total", "Codes that are over: how they ended, and after which status.", "pool", "how", "after"),
		refused:    counter("requests_refused_total", "Calls that were refused, by the call and the row in the table of errors.", "pool", "call", "reason"),
		steps:      histogram("code_step_duration_seconds", "Time from one step of a code to the next, by the step that ended it.", stepBuckets, "pool", "step"),
		pushes:     histogram("push_delay_seconds", "Time from a step of a code until it was written to a page that waited for it.", pushBuckets, "pool"),
		deliveries: counter("webhook_deliveries_total", "Webhook delivery attempts (delivered, failed) and messages that were given up (dead, dropped).", "pool", "outcome"),
		calls:      histogram("store_duration_seconds", "Time that the store took for one call, failed ones included.", callBuckets, "operation"),
		failures:   counter("store_failures_total", "Calls that the store did not answer.", "operation"),
	}
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	)
	m.showZeros(pools)
	return m
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
