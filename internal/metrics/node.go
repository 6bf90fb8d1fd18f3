package metrics

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scanlogin/scanlogin/hub"
)

// Bus reports the state of a bus between nodes. redisstore.Bus implements it.
type Bus interface {
	Age() time.Duration
	Reconnects() int64
	Reads() int64
}

// Load is the load of the HTTP server at one moment. It has the fields of server.Load,
// so that one converts to the other.
type Load struct {
	Sockets, Connections, ConnectionsLimit int
	Clients, ClientsLimit                  int
	UnknownEnds                            int

	StoreUsage float64
	CodesHeld  struct{ Pool, Network, Full int64 }
}

// Node registers the metrics that are read at each scrape: from load, from watches and
// from bus, which is nil without Redis. It may be called once.
func (m *Metrics) Node(load func() Load, watches *hub.Hub, bus Bus) {
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, value))
	}
	counter := func(name, help string, value func() int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help},
			func() float64 { return float64(value()) }))
	}
	gauge("sockets", "Open WebSocket connections.", func() float64 { return float64(load().Sockets) })
	gauge("connections", "Waiting connections: WebSockets, event streams, checks with wait.", func() float64 { return float64(load().Connections) })
	gauge("connections_limit", "Maximum of waiting connections: limits.sockets.", func() float64 { return float64(load().ConnectionsLimit) })
	gauge("tcp_connections", "Open TCP connections of clients.", func() float64 { return float64(load().Clients) })
	gauge("tcp_connections_limit", "Maximum of open TCP connections of clients, by the limit of open files.", func() float64 { return float64(load().ClientsLimit) })
	gauge("codes_unresolved", "Codes created by this node whose end is not known yet.", func() float64 { return float64(load().UnknownEnds) })
	gauge("watches", "Subscriptions of pages of this node to codes.", func() float64 { return float64(watches.Watches()) })
	gauge("store_usage_ratio", "Used part of the store's memory, from 0 to 1; NaN if unknown.", func() float64 { return load().StoreUsage })
	held := func(reason string, value func() int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: namespace, Name: "codes_held_total", ConstLabels: prometheus.Labels{"reason": reason},
			Help: "New codes that were refused because the store is filling up, by reason.",
		}, func() float64 { return float64(value()) }))
	}
	held("pool", func() int64 { return load().CodesHeld.Pool })
	held("network", func() int64 { return load().CodesHeld.Network })
	held("full", func() int64 { return load().CodesHeld.Full })
	if bus == nil {
		return
	}
	gauge("bus_age_seconds", "Time since the last message on the bus.", func() float64 {
		age := bus.Age()
		if age == math.MaxInt64 { // never
			return math.Inf(1)
		}
		return age.Seconds()
	})
	counter("bus_reconnects_total", "Reconnects of the bus.", bus.Reconnects)
	counter("bus_reads_total", "Codes read by the bus: after subscribing, at their end, and after reconnects.", bus.Reads)
}
