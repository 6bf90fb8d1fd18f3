package main

// attacks are those that once succeeded, in the order of their severity.
var attacks = []attack{
	{
		name: "handshake-bodies", about: "WebSocket handshakes announce a body and send none: 64 at once, then 20 a second from one address",
		long: 15, brief: 4, run: bodies, expect: []expectation{honestLogIn,
			{"a handshake with a body is refused", func(r result) bool { return r.figure("of them answered 400") >= 64 }}},
	},
	{
		name: "shutdown", about: "SIGTERM while 600 peers hold the node up: bodies and heads that do not come, close frames that are ignored", alone: true,
		long: 110, brief: 110, run: shutdown, expect: []expectation{
			// 10 s are documented; the rest is for a busy machine.
			{"the node ends in time", figure("seconds from SIGTERM to the end", atMost(20))}},
	},
	{
		name: "store-flood", about: "codes of one pool from 1,000 networks (IPv6 /48), 2,500 a second, in a Redis of 256 MB", memory: "256mb",
		long: 150, brief: 12, run: storeFlood, expect: []expectation{honestLogIn,
			{"the store is not full", figure("Redis' memory at most (%)", atMost(99))}},
	},
	{
		name: "network-flood", about: "one IPv6 /48 takes the codes of a pool (codes_per_pool: 2000), whose visitors come from elsewhere", pool: "attacked",
		settings: "    limits: {codes_per_pool: 2000} # %s\n",
		long:     20, brief: 5, run: networkFlood, expect: []expectation{honestLogIn,
			{"the flood is refused", figure("refused", some)}},
	},
	{
		name: "picture-flood", about: "2,000 connections from four addresses ask for 1,024-pixel pictures of 950 codes",
		long: 20, brief: 6, run: pictureFlood, expect: []expectation{honestLogIn},
	},
	{
		name: "one-address", about: "one address opens 6,000 connections to a node that may open 4,096 files: unknown pool, close frame ignored, or idle", nodeFiles: 4096,
		long: 15, brief: 5, run: oneAddress, expect: []expectation{honestLogIn},
	},
	{
		name: "all-files", about: "eight addresses do so with halves of requests, and the ops listener is asked meanwhile", nodeFiles: 4096, alone: true,
		long: 15, brief: 8, run: allFiles, expect: []expectation{
			{"the ops listener answers", func(r result) bool { return r.figure("ops calls") > 0 && r.figure("ops calls that failed") == 0 }},
			{"readiness reports it", figure("readiness reports it", some)}},
	},
	{
		name: "webhook-flood", about: "codes that nobody scans, 3,000 a second, while the pool's webhook receiver is down", pool: "attacked",
		settings: "    webhook: {url: 'http://%s/', secret: whsec_YXR0YWNrYXR0YWNrYXR0YWNrYXR0YWNr, allow_private: true}\n    code_ttl: 30s\n",
		long:     120, brief: 16, run: webhookFlood, expect: []expectation{
			{"every login is told to its site", figure("logins whose webhooks did not come within 30 s", none)},
			{"the log stays readable", func(r result) bool { return r.warned < 200 }}},
	},
	{
		name: "consent-text", about: "a User-Agent that is a sentence, with a bidi override", alone: true,
		long: 5, brief: 5, run: consentText, expect: []expectation{{"the phone does not show it", figure("the phone shows it", none)}},
	},
	{
		name: "control-frames", about: "four sockets flood pings, pongs and empty continuation frames", alone: true,
		long: 6, brief: 3, run: controlFrames, expect: []expectation{
			{"the floods are cut off", func(r result) bool { return r.figure("floods cut off, of 4") == 4 }}},
	},
	{
		name: "read-only", about: "Redis refuses writes while 1,000 codes a second are asked for", alone: true,
		long: 15, brief: 8, run: readOnly, expect: []expectation{
			{"readiness reports it", figure("readiness says ok", none)},
			{"the log stays readable", func(r result) bool { return r.warned < 100 }}},
	},
	{
		name: "wrong-secrets", about: "105 wrong secrets from a neighbour in the site's IPv6 /64", alone: true,
		long: 10, brief: 10, run: wrongSecrets, expect: []expectation{{"the site is served", figure("the site is locked out", none)}},
	},
	{
		name: "live-link", about: "500 requests for the page of one live code", alone: true,
		long: 10, brief: 10, run: linkFlood, expect: []expectation{{"they are limited", figure("served, of 500", atMost(400))}},
	},
	{
		name: "forwarded-port", about: "a proxy writes ports into X-Forwarded-For", alone: true,
		long: 5, brief: 5, run: forwardedPort, expect: []expectation{{"the client's address is shown", figure("the phone shows the proxy's address", none)}},
	},
}
