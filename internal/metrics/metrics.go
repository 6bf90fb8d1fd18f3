// Package metrics provides a node's Prometheus metrics.
//
// It guarantees that names and units follow Prometheus' conventions; that each label has few
// values, which come from the configuration and this program, never from a client; that the
// ended codes, summed over all nodes, equal the created codes, as far as the store reported
// them; and that counting an event takes less than a microsecond and never blocks.
// docs/metrics.md explains each metric.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "scanlogin"

// Metrics are the metrics of one node. Create them with New.
type Metrics struct {
	registry *prometheus.Registry

	made, scanned, confirmed *prometheus.CounterVec // by pool
	ended                    *prometheus.CounterVec // by pool, how, after
	refused                  *prometheus.CounterVec // by pool, call, reason
	steps                    *prometheus.HistogramVec
	pushes                   *prometheus.HistogramVec
	deliveries               *prometheus.CounterVec // by pool, outcome
	logins, reuses           *prometheus.CounterVec // of OAuth clients; by pool, client
	calls                    *prometheus.HistogramVec
	failures                 *prometheus.CounterVec
}

// Buckets, in seconds. Users take seconds to minutes, a site's exchange milliseconds; a push is
// a Redis publish and a write; a store operation is a round trip, at most 1.5 s.
var (
	stepBuckets = []float64{.05, .25, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90, 120, 300, 600}
	pushBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	callBuckets = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2}
)

// New returns the metrics of a node. The series of pools start at zero, so that rate functions
// see their first event.
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
		made:       counter("codes_made_total", "Codes created.", "pool"),
		scanned:    counter("codes_scanned_total", "Codes scanned.", "pool"),
		confirmed:  counter("codes_confirmed_total", "Codes confirmed.", "pool"),
		ended:      counter("codes_ended_total", "Codes that ended, by how they ended and their last status.", "pool", "how", "after"),
		refused:    counter("requests_refused_total", "Refused requests, by call and name of the error.", "pool", "call", "reason"),
		steps:      histogram("code_step_duration_seconds", "Time between two steps of a code, by the later step.", stepBuckets, "pool", "step"),
		pushes:     histogram("push_delay_seconds", "Time from a step of a code until it was written to a waiting page.", pushBuckets, "pool"),
		deliveries: counter("webhook_deliveries_total", "Webhook delivery attempts (delivered, failed) and messages that were given up (dead, dropped).", "pool", "outcome"),
		logins:     counter("oidc_logins_total", "Logins at OAuth clients: exchanged codes that were created for the client, or exchanged for its tokens.", "pool", "client"),
		reuses:     counter("oidc_reuses_total", "Spent refresh tokens and authorization codes that were shown again. Each revokes a login.", "pool", "client"),
		calls:      histogram("store_duration_seconds", "Duration of store operations, including failed ones.", callBuckets, "operation"),
		failures:   counter("store_failures_total", "Store operations that got no answer.", "operation"),
	}
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		collectors.NewBuildInfoCollector(),
	)
	m.showZeros(pools)
	return m
}

// Handler serves scrapes.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
