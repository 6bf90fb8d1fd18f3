package main

// attacks lists attacks that succeeded against an earlier version, most severe first.
var attacks = []attack{
	{
		name: "handshake-bodies", about: "WebSocket handshakes that announce a body and do not send it: 64 at once, then 20 a second from one address",
		fullSeconds: 15, shortSeconds: 4, run: handshakeBodies, expect: []expectation{honestLogins,
			{"a handshake with a body is refused", func(r result) bool { return r.figure("answered 400") >= 64 }}},
	},
	{
		name: "shutdown", about: "SIGTERM with 600 connections that delay the node: missing bodies, incomplete headers, ignored close frames", noVisitors: true,
		fullSeconds: 110, shortSeconds: 110, run: shutdown, expect: []expectation{
			// 10 s are documented; the other 10 s allow for a busy machine.
			{"the node ends in time", figure("seconds from SIGTERM to exit", atMost(20))}},
	},
	{
		name: "store-flood", about: "2,500 new codes of one pool a second from 1,000 IPv6 /48 networks, with a Redis of 256 MB", memory: "256mb",
		fullSeconds: 150, shortSeconds: 12, run: storeFlood, expect: []expectation{honestLogins,
			{"Redis does not run full", figure("peak use of Redis' memory (%)", atMost(99))}},
	},
	{
		name: "network-flood", about: "one IPv6 /48 network uses up the codes of a pool (codes_per_pool: 2000) with visitors from other networks", pool: "attacked",
		settings:    "    limits: {codes_per_pool: 2000} # %s\n",
		fullSeconds: 20, shortSeconds: 5, run: networkFlood, expect: []expectation{honestLogins,
			{"the flood is refused", figure("refused", some)}},
	},
	{
		name: "picture-flood", about: "2,000 connections from four addresses request 1,024-pixel pictures of 950 codes",
		fullSeconds: 20, shortSeconds: 6, run: pictureFlood, expect: []expectation{honestLogins},
	},
	{
		name: "one-address", about: "6,000 connections from one address to a node with at most 4,096 files: unknown pool with ignored close frames, or idle", nodeFiles: 4096,
		fullSeconds: 15, shortSeconds: 5, run: oneAddress, expect: []expectation{honestLogins},
	},
	{
		name: "all-files", about: "the same from eight addresses with incomplete headers, while the ops listener is called", nodeFiles: 4096, noVisitors: true,
		fullSeconds: 15, shortSeconds: 8, run: allFiles, expect: []expectation{
			{"the ops listener answers", func(r result) bool { return r.figure("ops calls") > 0 && r.figure("ops calls that failed") == 0 }},
			{"readiness reports it", figure("node reported not ready", some)}},
	},
	{
		name: "webhook-flood", about: "3,000 codes a second that are never scanned, while the pool's webhook receiver is down", pool: "attacked",
		settings:    "    webhook: {url: 'http://%s/', secret: whsec_YXR0YWNrYXR0YWNrYXR0YWNrYXR0YWNr, allow_private: true}\n    code_ttl: 30s\n",
		fullSeconds: 120, shortSeconds: 16, run: webhookFlood, expect: []expectation{
			{"the webhook of every login arrives", figure("logins without their webhook after 30 s", none)},
			{"the log has fewer than 200 warnings", func(r result) bool { return r.warned < 200 }}},
	},
	{
		name: "consent-text", about: "a User-Agent that contains a sentence and a bidirectional override", noVisitors: true,
		fullSeconds: 5, shortSeconds: 5, run: consentText, expect: []expectation{{"the phone does not show the text", figure("the phone shows the text", none)}},
	},
	{
		name: "control-frames", about: "four sockets send floods of pings, pongs and empty continuation frames", noVisitors: true,
		fullSeconds: 6, shortSeconds: 3, run: controlFrames, expect: []expectation{
			{"the node closes all four", func(r result) bool { return r.figure("floods cut off, of 4") == 4 }}},
	},
	{
		name: "read-only", about: "Redis refuses writes while 1,000 codes a second are requested", noVisitors: true,
		fullSeconds: 15, shortSeconds: 8, run: readOnly, expect: []expectation{
			{"readiness reports it", figure("node stayed ready", none)},
			{"the log has fewer than 100 warnings", func(r result) bool { return r.warned < 100 }}},
	},
	{
		name: "wrong-secrets", about: "105 wrong secrets from the site's IPv6 /64 network", noVisitors: true,
		fullSeconds: 10, shortSeconds: 10, run: wrongSecrets, expect: []expectation{{"the site is not locked out", figure("site locked out", none)}},
	},
	{
		name: "live-link", about: "500 requests for the page of one open code", noVisitors: true,
		fullSeconds: 10, shortSeconds: 10, run: linkFlood, expect: []expectation{{"the requests are limited", figure("served, of 500", atMost(400))}},
	},
	{
		name: "forwarded-port", about: "a proxy that adds ports to X-Forwarded-For", noVisitors: true,
		fullSeconds: 5, shortSeconds: 5, run: forwardedPort, expect: []expectation{{"the phone shows the client's address", figure("the phone shows the proxy's address", none)}},
	},
}
