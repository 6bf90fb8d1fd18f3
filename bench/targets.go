package main

// target is one row of the document's first table: the target for a figure of
// scanlogin, absolute or relative to another figure.
type target struct {
	what   string
	ours   string  // the figure: measure/kind
	beside string  // the figure that it is divided by; "": none
	wanted float64 // limit of the quotient or of the figure; 0: no target
	least  bool    // wanted is a minimum, not a maximum
	unit   string
}

// targets are in the order of a page's life.
var targets = []target{
	{what: "Resident memory per waiting page", ours: "idle.resident/scanlogin", wanted: 10_000, unit: "B"},
	{what: "… memory in use after a collection", ours: "idle.live/scanlogin", wanted: 7_500, unit: "B"},
	{what: "… resident memory relative to centrifuge", ours: "idle.resident/scanlogin", beside: "idle.resident/centrifuge", wanted: 0.2, unit: "B"},
	{what: "… relative to bare coder/websocket", ours: "idle.resident/scanlogin", beside: "idle.resident/websocket", wanted: 1, unit: "B"},
	{what: "… relative to nchan", ours: "idle.resident/scanlogin", beside: "idle.resident/nchan", wanted: 0.75, unit: "B"},
	{what: "Flatness: highest relative to lowest bytes per page over all numbers of pages (±10 %)", ours: "scale.live/most", beside: "scale.live/least", wanted: 1.22, unit: "B"},
	{what: "Waiting pages whose connection was closed", ours: "idle.lost/scanlogin", wanted: 0.5, unit: "pages"},
	{what: "CPU while all pages wait, relative to centrifuge", ours: "idle.cpu/scanlogin", beside: "idle.cpu/centrifuge", wanted: 0.15, unit: "%"},
	{what: "… relative to nchan", ours: "idle.cpu/scanlogin", beside: "idle.cpu/nchan", wanted: 1, unit: "%"},
	{what: "… per page, relative to a polling page", ours: "idle.page/scanlogin", beside: "poll.page/scanlogin", wanted: 0.01, unit: "µs/s"},
	{what: "CPU to connect a page and show a code, relative to centrifuge's connect and subscribe", ours: "connect.cpu/scanlogin", beside: "connect.cpu/centrifuge", wanted: 0.55, unit: "ms"},
	{what: "Time from confirm until the page has its ticket, median, relative to centrifuge's publish", ours: "push.p50/scanlogin", beside: "push.p50/centrifuge", wanted: 1, unit: "ms"},
	{what: "… 99th percentile", ours: "push.p99/scanlogin", beside: "push.p99/centrifuge", wanted: 0.7, unit: "ms"},
	{what: "… relative to nchan's publish", ours: "push.p99/scanlogin", beside: "push.p99/nchan", wanted: 2, unit: "ms"},
	{what: "… median relative to Redis alone under the same load", ours: "push.p50/scanlogin", beside: "raw.p50/scanlogin", wanted: 3, unit: "ms"},
	{what: "… relative to the mean of polling", ours: "push.p50/scanlogin", beside: "poll.mean/scanlogin", wanted: 0.002, unit: "ms"},
	{what: "Lost pushes", ours: "push.lost/scanlogin", wanted: 0.5, unit: "pages"},
	{what: "CPU of both nodes per confirm, relative to centrifuge's per publish", ours: "push.cpu/scanlogin", beside: "push.cpu/centrifuge", wanted: 0.9, unit: "ms"},
	{what: "CPU of Redis per confirm, relative to centrifuge's per publish", ours: "push.redis/scanlogin", beside: "push.redis/centrifuge", wanted: 0.9, unit: "ms"},
	{what: "CPU per scan at saturation, relative to bare Echo with the same two Redis calls", ours: "scan.cpu/scanlogin", beside: "scan.cpu/echo", wanted: 2, unit: "ms"},
	{what: "Scans per second at saturation, relative to the same", ours: "scan.rate/scanlogin", beside: "scan.rate/echo", wanted: 0.75, least: true, unit: "1/s"},
	{what: "Whole logins per second and core of the node", ours: "login.core/scanlogin", unit: "1/s"},
	{what: "… per core of node and Redis", ours: "login.cores/scanlogin", unit: "1/s"},
	{what: "Storm: time until all pages have reconnected", ours: "storm.seconds/scanlogin", wanted: 5, unit: "s"},
	{what: "… pages that did not reconnect", ours: "storm.missing/scanlogin", wanted: 0.5, unit: "pages"},
	{what: "… slowest push to a page that stayed connected", ours: "storm.received/scanlogin", wanted: 1000, unit: "ms"},
	{what: "QR picture, relative to go-qrcode's pattern alone", ours: "picture/first", beside: "picture/pattern", wanted: 1.1, unit: "ms"},
}

// measures are the rows of the second table; each kind is a column.
var measures = []struct{ name, what, unit string }{
	{"idle.resident", "Resident memory per waiting page", "B"},
	{"idle.live", "… memory in use after a garbage collection", "B"},
	{"connect.cpu", "CPU of the node to connect a page", "ms"},
	{"connect.redis", "… of Redis", "ms"},
	{"idle.cpu", "CPU of the node while all pages wait", "% of a core"},
	{"idle.redis", "… of Redis", "% of a core"},
	{"idle.page", "CPU of the node per waiting page", "µs/s"},
	{"idle.lost", "Waiting pages whose connection was closed", "pages"},
	{"push.p50", "Time until a page has its message, median", "ms"},
	{"push.p99", "… 99th percentile", "ms"},
	{"push.lost", "… no message within 10 s", "pages"},
	{"push.cpu", "CPU of both nodes per push", "ms"},
	{"push.redis", "… of Redis", "ms"},
	{"raw.p50", "Redis alone under the same load: publish until received, median", "ms"},
	{"raw.p99", "… 99th percentile", "ms"},
	{"scan.rate", "Scans at saturation", "1/s"},
	{"scan.cpu", "CPU of the node per scan", "ms"},
	{"scan.redis", "… of Redis", "ms"},
	{"poll.mean", "Polling every 800 ms: time until a page has its ticket, mean", "ms"},
	{"poll.p99", "… 99th percentile", "ms"},
	{"poll.page", "… CPU of the node per polling page", "µs/s"},
	{"poll.redis", "… of Redis", "µs/s"},
	{"login.rate", "Whole logins, with node, Redis and clients on this machine", "1/s"},
	{"storm.cpu", "Storm: CPU of the node per reconnecting page", "ms"},
	{"storm.retries", "… failed attempts", "attempts"},
}

var columns = []kind{scanlogin, centrifuge, nchan, socket, bareEcho}
