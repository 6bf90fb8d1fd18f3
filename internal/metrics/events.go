package metrics

import (
	"time"

	"github.com/scanlogin/scanlogin/server"
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
	how   server.EventKind
	after []string
}{
	{server.EventCanceled, []string{scanned}},
	{server.EventWithdrawn, []string{waiting, scanned}},
	{server.EventExchanged, []string{confirmed}},
	{server.EventExpired, []string{waiting, scanned, confirmed}},
	{server.EventLost, []string{unknown}},
}

// timed are the steps whose time is measured.
var timed = []server.EventKind{server.EventScanned, server.EventConfirmed, server.EventCanceled, server.EventExchanged}

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
		for _, step := range timed {
			m.steps.WithLabelValues(pool, string(step))
		}
	}
}

// Witness counts an event; it is one of server.Options.Witnesses.
func (m *Metrics) Witness(e server.Event) {
	code := e.Code
	switch e.Kind {
	case server.EventMade:
		m.made.WithLabelValues(e.Pool).Inc()
	case server.EventScanned:
		m.scanned.WithLabelValues(e.Pool).Inc()
		m.step(e, code.ScannedAt.Sub(code.CreatedAt))
	case server.EventConfirmed:
		m.confirmed.WithLabelValues(e.Pool).Inc()
		m.step(e, code.ConfirmedAt.Sub(code.ScannedAt))
	case server.EventCanceled:
		m.step(e, code.ExpiresAt.Sub(code.ScannedAt))
		m.end(e)
	case server.EventExchanged:
		m.step(e, code.ExpiresAt.Sub(code.ConfirmedAt))
		m.end(e)
	case server.EventWithdrawn, server.EventExpired, server.EventLost:
		m.end(e)
	case server.EventRefused:
		m.refused.WithLabelValues(e.Pool, e.Call, e.Reason).Inc()
	}
}

// step observes the time before a step. Nodes estimate one clock, each for
// itself, so that it may come out below zero by a round trip.
func (m *Metrics) step(e server.Event, took time.Duration) {
	m.steps.WithLabelValues(e.Pool, string(e.Kind)).Observe(max(0, took.Seconds()))
}

func (m *Metrics) end(e server.Event) {
	after := unknown
	if e.Kind != server.EventLost {
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

// Pushed counts a step that was sent to a page; it is server.Options.Pushed.
func (m *Metrics) Pushed(pool string, delay time.Duration) {
	m.pushes.WithLabelValues(pool).Observe(delay.Seconds())
}
