package metrics

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/scanlogin/scanlogin/hub"
	"github.com/scanlogin/scanlogin/server"
)

// Bus is what a bus between nodes tells of itself, as redisstore.Bus does.
type Bus interface {
	Age() time.Duration
	Reconnects() int64
	Reads() int64
}

// Node shows what srv and watches hold at each scrape, and how the bus is; nil: there is
// none between nodes. It may be called once.
func (m *Metrics) Node(srv *server.Server, watches *hub.Hub, bus Bus) {
	gauge := func(name, help string, value func() float64) {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, value))
	}
	counter := func(name, help string, value func() int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help},
			func() float64 { return float64(value()) }))
	}
	gauge("sockets", "WebSocket connections that are open.", func() float64 { return float64(srv.Load().Sockets) })
	gauge("connections", "Connections that wait: WebSockets, event streams, checks with wait.", func() float64 { return float64(srv.Load().Connections) })
	gauge("connections_limit", "Connections that may wait: limits.sockets.", func() float64 { return float64(srv.Load().ConnectionsLimit) })
	gauge("tcp_connections", "Connections of clients that are open, from accept until they are closed.", func() float64 { return float64(srv.Load().Clients) })
	gauge("tcp_connections_limit", "Connections of clients that may be open: what the limit of open files leaves.", func() float64 { return float64(srv.Load().ClientsLimit) })
	gauge("codes_unresolved", "Codes made by this node of which it does not know yet that they are over.", func() float64 { return float64(srv.Load().UnknownEnds) })
	gauge("watches", "Watches of codes by pages of this node.", func() float64 { return float64(watches.Watches()) })
	gauge("store_usage_ratio", "Part of the store's memory that is used, 1 for full; NaN: not known.", func() float64 { return srv.Load().StoreUsage })
	held := func(reason string, value func(server.CodesHeld) int64) {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: namespace, Name: "codes_held_total", ConstLabels: prometheus.Labels{"reason": reason},
			Help: "New codes that were refused because the store is filling up, by the reason.",
		}, func() float64 { return float64(value(srv.Load().CodesHeld)) }))
	}
	held("pool", func(c server.CodesHeld) int64 { return c.Pool })
	held("network", func(c server.CodesHeld) int64 { return c.Network })
	held("full", func(c server.CodesHeld) int64 { return c.Full })
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
