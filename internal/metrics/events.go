package metrics

import (
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// How a code ended, and the status that it had before.
const (
	waiting   = "waiting"
	scanned   = "scanned"
	confirmed = "confirmed"
	unknown   = "unknown" // of a lost one
)

// ends are all ways in which a code ends.
var ends = []struct {
	how   session.EventKind
	after []string
}{
	{session.EventCanceled, []string{scanned}},
	{session.EventWithdrawn, []string{waiting, scanned}},
	{session.EventExchanged, []string{confirmed}},
	{session.EventExpired, []string{waiting, scanned, confirmed}},
	{session.EventLost, []string{unknown}},
}

// timed are the steps whose time is measured.
var timed = []session.EventKind{session.EventScanned, session.EventConfirmed, session.EventCanceled, session.EventExchanged}

// outcomes are the outcomes of webhook messages, see webhook.Outcome.
var outcomes = []string{"delivered", "failed", "dead", "dropped"}

func (m *Metrics) showZeros(pools []string) {
	for _, pool := range pools {
		m.made.WithLabelValues(pool)
		m.scanned.WithLabelValues(pool)
		m.confirmed.WithLabelValues(pool)
		m.pushes.WithLabelValues(pool)
		for _, end := range ends {
			for _, after := range end.after {
				m.ended.WithLabelValues(pool, string(end.how), after)
			}
		}
		for _, outcome := range outcomes {
			m.deliveries.WithLabelValues(pool, outcome)
		}
		for _, step := range timed {
			m.steps.WithLabelValues(pool, string(step))
		}
	}
}

// Observe counts an event. It is a session.Observer.
func (m *Metrics) Observe(e session.Event) {
	code := e.Code
	switch e.Kind {
	case session.EventMade:
		m.made.WithLabelValues(e.Pool).Inc()
	case session.EventScanned:
		m.scanned.WithLabelValues(e.Pool).Inc()
		m.step(e, code.ScannedAt.Sub(code.CreatedAt))
	case session.EventConfirmed:
		m.confirmed.WithLabelValues(e.Pool).Inc()
		m.step(e, code.ConfirmedAt.Sub(code.ScannedAt))
	case session.EventCanceled:
		m.step(e, code.ExpiresAt.Sub(code.ScannedAt))
		m.end(e)
	case session.EventExchanged:
		m.step(e, code.ExpiresAt.Sub(code.ConfirmedAt))
		m.end(e)
	case session.EventWithdrawn, session.EventExpired, session.EventLost:
		m.end(e)
	case session.EventRefused:
		m.refused.WithLabelValues(e.Pool, e.Call, e.Reason).Inc()
	}
}

// step observes the time before a step. Nodes estimate one clock, each for
// itself, so that it may come out below zero by a round trip.
func (m *Metrics) step(e session.Event, took time.Duration) {
	m.steps.WithLabelValues(e.Pool, string(e.Kind)).Observe(max(0, took.Seconds()))
}

func (m *Metrics) end(e session.Event) {
	after := unknown
	if e.Kind != session.EventLost {
		after = reached(e.Code)
	}
	m.ended.WithLabelValues(e.Pool, string(e.Kind), after).Inc()
}

// reached is how far a code came before its end.
func reached(code session.Session) string {
	switch {
	case !code.ConfirmedAt.IsZero():
		return confirmed
	case !code.ScannedAt.IsZero():
		return scanned
	}
	return waiting
}

// Webhook counts the outcome of a webhook attempt or message.
func (m *Metrics) Webhook(pool, outcome string) {
	m.deliveries.WithLabelValues(pool, outcome).Inc()
}

// Pushed counts a step that was sent to a page; it is server.Options.Pushed.
func (m *Metrics) Pushed(pool string, delay time.Duration) {
	m.pushes.WithLabelValues(pool).Observe(delay.Seconds())
}
