package metrics

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scanlogin/scanlogin/hub"
)

// Bus is what a bus between nodes tells of itself, as redisstore.Bus does.
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
	gauge("sockets", "WebSocket connections that are open.", func() float64 { return float64(load().Sockets) })
	gauge("connections", "Connections that wait: WebSockets, event streams, checks with wait.", func() float64 { return float64(load().Connections) })
	gauge("connections_limit", "Connections that may wait: limits.sockets.", func() float64 { return float64(load().ConnectionsLimit) })
	gauge("tcp_connections", "Connections of clients that are open, from accept until they are closed.", func() float64 { return float64(load().Clients) })
	gauge("tcp_connections_limit", "Connections of clients that may be open: what the limit of open files leaves.", func() float64 { return float64(load().ClientsLimit) })
	gauge("codes_unresolved", "Codes made by this node of which it does not know yet that they are over.", func() float64 { return float64(load().UnknownEnds) })
	gauge("watches", "Watches of codes by pages of this node.", func() float64 { return float64(watches.Watches()) })
	gauge("store_usage_ratio", "Part of the store's memory that is used, 1 for full; NaN: not known.", func() float64 { return load().StoreUsage })
	held := func(reason string, value func() int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: namespace, Name: "codes_held_total", ConstLabels: prometheus.Labels{"reason": reason},
			Help: "New codes that were refused because the store is filling up, by the reason.",
		}, func() float64 { return float64(value()) }))
	}
	held("pool", func() int64 { return load().CodesHeld.Pool })
	held("network", func() int64 { return load().CodesHeld.Network })
	held("full", func() int64 { return load().CodesHeld.Full })
	if bus == nil {
		return
	}
	gauge("bus_age_seconds", "Time since the bus was last heard.", func() float64 {
		age := bus.Age()
		if age == math.MaxInt64 { // it never was
			return math.Inf(1)
		}
		return age.Seconds()
	})
	counter("bus_reconnects_total", "Times that the bus was lost and came back.", bus.Reconnects)
	counter("bus_reads_total", "Codes read by the bus: when subscribed, when their end comes, and after each loss.", bus.Reads)
}
