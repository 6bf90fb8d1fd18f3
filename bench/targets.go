package main

import (
	"strconv"
	"strings"
)

// target is one row of the document's first table: the target for a figure of
// scanlogin, absolute or relative to another figure.
type target struct {
	what   string  // <low> and <high> stand for the rates of pushes
	ours   string  // the figure: measure/kind
	beside string  // the figure that it is divided by; "": none
	wanted float64 // limit of the quotient or of the figure; 0: no target
	least  bool    // wanted is a minimum, not a maximum
	unit   string
}

// targets are the targets of the project, and what must never happen.
var targets = []target{
	{what: "CPU of both nodes per confirm at <high>, relative to centrifuge's bare publish", ours: "push.high.nodes/scanlogin", beside: "push.high.nodes/centrifuge", wanted: 1.25, unit: "ms"},
	{what: "… relative to a comparable server", ours: "push.high.nodes/scanlogin", beside: "push.high.nodes/comparable", wanted: 0.8, unit: "ms"},
	{what: "CPU of Redis per confirm at <high>, relative to bare publish", ours: "push.high.redis/scanlogin", beside: "push.high.redis/centrifuge", wanted: 1.5, unit: "ms"},
	{what: "From confirm until the page has its ticket at <low>, median, relative to bare publish", ours: "push.low.p50/scanlogin", beside: "push.low.p50/centrifuge", wanted: 1, unit: "ms"},
	{what: "… 99th percentile", ours: "push.low.p99/scanlogin", beside: "push.low.p99/centrifuge", wanted: 1, unit: "ms"},
	{what: "The same at <high>, median", ours: "push.high.p50/scanlogin", beside: "push.high.p50/centrifuge", wanted: 1, unit: "ms"},
	{what: "… 99th percentile", ours: "push.high.p99/scanlogin", beside: "push.high.p99/centrifuge", wanted: 1.3, unit: "ms"},
	{what: "Scans per second at saturation, relative to bare Echo with one script", ours: "scan.rate/scanlogin", beside: "scan.rate/echo", wanted: 0.7, least: true, unit: "1/s"},
	{what: "CPU of the node until the code is visible, relative to centrifuge's connect and subscribe", ours: "visible.nodes/scanlogin", beside: "visible.nodes/centrifuge", wanted: 1.1, unit: "ms"},
	{what: "CPU of node and Redis per whole login, relative to before", ours: "login.cpu/scanlogin", beside: "login.cpu/before", wanted: 0.3, unit: "ms"},
	{what: "CPU of node and Redis per login through OpenID Connect, relative to a plain one", ours: "oidc.cpu/scanlogin", beside: "login.cpu/scanlogin", unit: "ms"},
	{what: "Storm: time until all pages have reconnected, relative to before", ours: "storm.seconds/scanlogin", beside: "storm.seconds/before", wanted: 0.7, unit: "s"},
	{what: "Resident memory per waiting page", ours: "waiting.resident/scanlogin", wanted: 6500, unit: "B"},
	{what: "99th percentile of pushes while pages wait on four nodes", ours: "wide.p99/scanlogin", wanted: 25, unit: "ms"},
	{what: "… pages without connection or push", ours: "wide.lost/scanlogin", wanted: 0.5, unit: "pages"},
	{what: "Pushes missing at both rates", ours: "push.lost/scanlogin", wanted: 0.5, unit: "pages"},
	{what: "Waiting pages whose connection was closed", ours: "waiting.lost/scanlogin", wanted: 0.5, unit: "pages"},
	{what: "Pages that did not reconnect in the storm", ours: "storm.missing/scanlogin", wanted: 0.5, unit: "pages"},
	{what: "Slowest push during the storm, to a page that stayed connected, relative to before", ours: "storm.received/scanlogin", beside: "storm.received/before", wanted: 1, unit: "ms"},
}

// measures are the rows of the second table; each kind is a column.
var measures = []struct{ name, what, unit string }{
	{"visible.nodes", "CPU of the node until the code is visible", "ms"},
	{"visible.redis", "… of Redis", "ms"},
	{"module.nodes", "CPU of the node when a browser asks whether its scanlogin.js is current", "ms"},
	{"waiting.resident", "Resident memory per waiting page", "B"},
	{"waiting.cpu", "CPU of the node while all pages wait", "% of a core"},
	{"push.low.p50", "Time until a page has its message at <low>, median", "ms"},
	{"push.low.p99", "… 99th percentile", "ms"},
	{"push.low.nodes", "CPU of both nodes per push at <low>", "ms"},
	{"push.low.redis", "… of Redis", "ms"},
	{"push.high.p50", "Time until a page has its message at <high>, median", "ms"},
	{"push.high.p99", "… 99th percentile", "ms"},
	{"push.high.nodes", "CPU of both nodes per push at <high>", "ms"},
	{"push.high.redis", "… of Redis", "ms"},
	{"push.lost", "No message within 10 s, at either rate", "pages"},
	{"scan.rate", "Scans at saturation", "1/s"},
	{"scan.nodes", "CPU of the node per scan", "ms"},
	{"scan.redis", "… of Redis", "ms"},
	{"login.nodes", "CPU of the node per whole login", "ms"},
	{"login.redis", "… of Redis", "ms"},
	{"login.rate", "Whole logins, with node, Redis and clients on this machine", "1/s"},
	{"oidc.nodes", "CPU of the node per login through OpenID Connect", "ms"},
	{"oidc.redis", "… of Redis", "ms"},
	{"storm.seconds", "Storm: time until all pages have reconnected", "s"},
	{"storm.nodes", "… CPU of the node per page", "ms"},
	{"storm.retries", "… failed attempts", "attempts"},
	{"wide.p50", "Time until a page has its message while pages wait on four nodes, median", "ms"},
	{"wide.p99", "… 99th percentile", "ms"},
	{"poll.cpu", "Polling instead: CPU of the node while all pages poll", "% of a core"},
	{"poll.redis", "… of Redis", "% of a core"},
}

var columns = []kind{scanlogin, before, centrifuge, comparable, bareEcho}

// withRates inserts the rates of pushes into a description.
func (s sizes) withRates(what string) string {
	return strings.NewReplacer("<low>", strconv.Itoa(s.Low)+"/s", "<high>", strconv.Itoa(s.High)+"/s").Replace(what)
}
