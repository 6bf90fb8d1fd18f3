package main

// target is one line of the document's first table: what is wanted of a figure
// of scanlogin's, alone or beside another.
type target struct {
	what   string
	ours   string  // the figure: measure/kind
	beside string  // the figure that it is divided by, "" if it stands alone
	wanted float64 // of the quotient, or of the figure; 0: nothing in particular
	least  bool    // whether that is the least, not the most
	unit   string
}

// targets are in the order of a page's life.
var targets = []target{
	{what: "Memory of a waiting page, as the system sees it", ours: "idle.resident/scanlogin", wanted: 10_000, unit: "B"},
	{what: "… in use after a collection", ours: "idle.live/scanlogin", wanted: 7_500, unit: "B"},
	{what: "… as the system sees it, beside centrifuge", ours: "idle.resident/scanlogin", beside: "idle.resident/centrifuge", wanted: 0.2, unit: "B"},
	{what: "… beside bare coder/websocket", ours: "idle.resident/scanlogin", beside: "idle.resident/websocket", wanted: 1, unit: "B"},
	{what: "… beside nchan", ours: "idle.resident/scanlogin", beside: "idle.resident/nchan", wanted: 0.75, unit: "B"},
	{what: "Flatness: most beside fewest bytes a page, of all numbers of pages (±10 %)", ours: "scale.live/most", beside: "scale.live/least", wanted: 1.22, unit: "B"},
	{what: "Waiting pages that were closed", ours: "idle.lost/scanlogin", wanted: 0.5, unit: "pages"},
	{what: "CPU while all wait, beside centrifuge", ours: "idle.cpu/scanlogin", beside: "idle.cpu/centrifuge", wanted: 0.15, unit: "%"},
	{what: "… beside nchan", ours: "idle.cpu/scanlogin", beside: "idle.cpu/nchan", wanted: 1, unit: "%"},
	{what: "… of one page, beside one that asks", ours: "idle.page/scanlogin", beside: "poll.page/scanlogin", wanted: 0.01, unit: "µs/s"},
	{what: "CPU to connect one and show a code, beside centrifuge's connect and subscribe", ours: "connect.cpu/scanlogin", beside: "connect.cpu/centrifuge", wanted: 0.55, unit: "ms"},
	{what: "Confirm until the page has its ticket, median, beside centrifuge's publish", ours: "push.p50/scanlogin", beside: "push.p50/centrifuge", wanted: 1, unit: "ms"},
	{what: "… 99th percentile", ours: "push.p99/scanlogin", beside: "push.p99/centrifuge", wanted: 0.7, unit: "ms"},
	{what: "… beside nchan's publish", ours: "push.p99/scanlogin", beside: "push.p99/nchan", wanted: 2, unit: "ms"},
	{what: "Median beside Redis alone under the same load", ours: "push.p50/scanlogin", beside: "raw.p50/scanlogin", wanted: 3, unit: "ms"},
	{what: "… beside asking, on average", ours: "push.p50/scanlogin", beside: "poll.mean/scanlogin", wanted: 0.002, unit: "ms"},
	{what: "Pushes that did not come", ours: "push.lost/scanlogin", wanted: 0.5, unit: "pages"},
	{what: "CPU of both nodes for a confirm, beside centrifuge's for a publish", ours: "push.cpu/scanlogin", beside: "push.cpu/centrifuge", wanted: 0.9, unit: "ms"},
	{what: "CPU of Redis for a confirm, beside centrifuge's for a publish", ours: "push.redis/scanlogin", beside: "push.redis/centrifuge", wanted: 0.9, unit: "ms"},
	{what: "CPU of a scan at saturation, beside bare Echo with the same two Redis calls", ours: "scan.cpu/scanlogin", beside: "scan.cpu/echo", wanted: 2, unit: "ms"},
	{what: "Scans a second at saturation, beside the same", ours: "scan.rate/scanlogin", beside: "scan.rate/echo", wanted: 0.75, least: true, unit: "1/s"},
	{what: "Whole logins a second for each core of the node", ours: "login.core/scanlogin", unit: "1/s"},
	{what: "… for each core of node and Redis", ours: "login.cores/scanlogin", unit: "1/s"},
	{what: "Storm: until all pages are back", ours: "storm.seconds/scanlogin", wanted: 5, unit: "s"},
	{what: "… pages that did not come back", ours: "storm.missing/scanlogin", wanted: 0.5, unit: "pages"},
	{what: "… a step in the middle of it, the slowest, until its page is told", ours: "storm.told/scanlogin", wanted: 1000, unit: "ms"},
	{what: "A picture, beside go-qrcode's pattern alone", ours: "picture/first", beside: "picture/pattern", wanted: 1.1, unit: "ms"},
}

// measures are the lines of the second table; each kind is a column.
var measures = []struct{ name, what, unit string }{
	{"idle.resident", "Memory of a waiting page, as the system sees it", "B"},
	{"idle.live", "… in use after a collection of garbage", "B"},
	{"connect.cpu", "CPU of a node to connect one", "ms"},
	{"connect.redis", "… of Redis", "ms"},
	{"idle.cpu", "CPU of a node while all wait", "% of a core"},
	{"idle.redis", "… of Redis", "% of a core"},
	{"idle.page", "CPU of a node for one that waits", "µs/s"},
	{"idle.lost", "… that were closed while they waited", "pages"},
	{"push.p50", "Time until a page is told, median", "ms"},
	{"push.p99", "… 99th percentile", "ms"},
	{"push.lost", "… not told within 10 s", "pages"},
	{"push.cpu", "CPU of both nodes for that", "ms"},
	{"push.redis", "… of Redis", "ms"},
	{"raw.p50", "Redis alone beside that load: publish until received, median", "ms"},
	{"raw.p99", "… 99th percentile", "ms"},
	{"scan.rate", "Scans at saturation", "1/s"},
	{"scan.cpu", "CPU of the node for a scan", "ms"},
	{"scan.redis", "… of Redis", "ms"},
	{"poll.mean", "Asking each 800 ms: time until a page has its ticket, mean", "ms"},
	{"poll.p99", "… 99th percentile", "ms"},
	{"poll.page", "… CPU of the node for a page that asks", "µs/s"},
	{"poll.redis", "… of Redis", "µs/s"},
	{"login.rate", "Whole logins, node, Redis and clients on this machine", "1/s"},
	{"storm.cpu", "Storm: CPU of the node for a page that comes back", "ms"},
	{"storm.retries", "… attempts that failed", "pages"},
}

var columns = []kind{scanlogin, centrifuge, nchan, socket, bareEcho}
