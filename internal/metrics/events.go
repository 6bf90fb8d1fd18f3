package metrics

import (
	"time"

	"github.com/scanlogin/scanlogin/session"
)

// Last status of a code before its end.
const (
	waiting   = "waiting"
	scanned   = "scanned"
	confirmed = "confirmed"
	unknown   = "unknown" // for lost codes
)

// endings are all ways in which a code can end, with the possible last statuses.
var endings = []struct {
	how   session.EventKind
	after []string
}{
	{session.EventCanceled, []string{scanned}},
	{session.EventWithdrawn, []string{waiting, scanned}},
	{session.EventExchanged, []string{confirmed}},
	{session.EventExpired, []string{waiting, scanned, confirmed}},
	{session.EventLost, []string{unknown}},
}

// timedSteps are the steps whose duration is measured.
var timedSteps = []session.EventKind{session.EventScanned, session.EventConfirmed, session.EventCanceled, session.EventExchanged}

// outcomes are the outcomes of webhook messages, see webhook.Outcome.
var outcomes = []string{"delivered", "failed", "dead", "dropped"}

func (m *Metrics) showZeros(pools []string) {
	for _, pool := range pools {
		m.made.WithLabelValues(pool)
		m.scanned.WithLabelValues(pool)
		m.confirmed.WithLabelValues(pool)
		m.pushes.WithLabelValues(pool)
		for _, ending := range endings {
			for _, after := range ending.after {
				m.ended.WithLabelValues(pool, string(ending.how), after)
			}
		}
		for _, outcome := range outcomes {
			m.deliveries.WithLabelValues(pool, outcome)
		}
		for _, step := range timedSteps {
			m.steps.WithLabelValues(pool, string(step))
		}
	}
}

// ShowClients adds series for the OAuth clients of a pool, as New does for pools.
func (m *Metrics) ShowClients(pool string, clients ...string) {
	for _, client := range clients {
		m.logins.WithLabelValues(pool, client)
		m.reuses.WithLabelValues(pool, client)
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
		if e.Client != "" {
			m.logins.WithLabelValues(e.Pool, e.Client).Inc()
		}
	case session.EventTokenReused:
		m.reuses.WithLabelValues(e.Pool, e.Client).Inc()
	case session.EventWithdrawn, session.EventExpired, session.EventLost:
		m.end(e)
	case session.EventRefused:
		m.refused.WithLabelValues(e.Pool, e.Call, e.Reason).Inc()
	}
}

// step observes the time before a step. It can be slightly negative, because each node
// estimates the store's clock.
func (m *Metrics) step(e session.Event, took time.Duration) {
	m.steps.WithLabelValues(e.Pool, string(e.Kind)).Observe(max(0, took.Seconds()))
}

func (m *Metrics) end(e session.Event) {
	after := unknown
	if e.Kind != session.EventLost {
		after = lastStatus(e.Code)
	}
	m.ended.WithLabelValues(e.Pool, string(e.Kind), after).Inc()
}

// lastStatus returns the status of a code before its end.
func lastStatus(code session.Session) string {
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

// Pushed observes the delay of a push to a page.
func (m *Metrics) Pushed(pool string, delay time.Duration) {
	m.pushes.WithLabelValues(pool).Observe(delay.Seconds())
}
