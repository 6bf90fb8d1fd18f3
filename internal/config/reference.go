package main

import (
	"fmt"
	"io"
	"strings"
)

// row says all about one key of the configuration.
type row struct {
	path     string // list elements are []
	label    string // of a pool's setting that administrators may change while nodes run: what they know it as
	kind     string
	required bool
	fallback string // the value where the key is absent, as it would be written
	absent   string // where there is no such value: what absence means, in words
	about    string
}

// reference is the configuration in one table. The defaults in force, the
// check for required keys, and the README's table all come from it.
var reference = [...]row{
	{path: "listen", kind: "address", fallback: "127.0.0.1:8080", about: "Where browsers, phones and sites call: `host:port`; TLS is the proxy's business."},
	{path: "ops_listen", kind: "address", absent: "off", about: "Where `/livez`, `/readyz`, `/metrics` and the console are; never on the public listener."},
	{path: "public_url", kind: "address", required: true, about: "How the outside names this server: `http(s)://host[:port]`; pictures, cookies and tokens depend on it."},
	{path: "redis_url", kind: "secret", absent: "memory, one node", about: "`redis://`, `rediss://` or `unix://`; several `addr=` for a cluster, `master_name=` for Sentinel; `docs/redis.md` has examples."},
	{path: "redis_wait_replicas", kind: "number", fallback: "0", about: "How many replicas must have an exchanged ticket, within 100 ms, before it is answered, 0 to 10; too few: error 1000, and the ticket is spent."},
	{path: "key_prefix", kind: "text", fallback: "scanlogin", about: "Keys and channels in Redis begin with it."},
	{path: "store_max_bytes", kind: "number", absent: "Redis: its `maxmemory`; memory: 335544320", about: "Bytes of memory that the store may use, of each master on a Cluster, at least 1048576: from 80 % of it new codes are refused (`docs/operations.md`). With Redis, the lesser of it and `maxmemory` counts."},
	{path: "signing_key", kind: "secret", absent: "no token", about: "EC P-256 private key in PEM (PKCS #8 or SEC 1) that signs the issued tokens."},
	{path: "signing_keys", kind: "secrets", absent: "—", about: "Instead of `signing_key`, while it is rotated: the first signs, all are published. Those after the first may be public keys."},
	{path: "token_ttl", kind: "duration", fallback: "1h", about: "How long an issued token is good, 1s to 8760h."},
	{path: "trusted_proxies", kind: "list", absent: "none", about: "Networks (`10.0.0.0/8`) or addresses whose `X-Forwarded-For` is believed. Its entries may have ports."},
	{path: "drain_delay", kind: "duration", fallback: "0s", about: "From \"not ready\" to closing the listener, for load balancers; up to 10m."},
	{path: "geoip_file", kind: "file", absent: "none", about: "MaxMind DB with City or Country records (GeoLite2, DB-IP …), from which the phone is told where the login page is. Read anew at SIGHUP."},
	{path: "trust_traceparent", kind: "boolean", fallback: "false", about: "Calls join the trace that their `traceparent` names, recorded if it says so: only behind a proxy that sets that header. `false`: a trace of its own, linked to it. See `docs/metrics.md`."},
	{path: "log.level", kind: "text", fallback: "info", about: "`debug`, `info`, `warn` or `error`."},
	{path: "log.format", kind: "text", fallback: "json", about: "`json` or `text`."},
	{path: "audit.file", kind: "text", absent: "off", about: "Where each step and each refusal is written as a line of JSON, apart from the log: a path, opened anew at SIGHUP, or `-` for stdout; `docs/operations.md` has the fields."},
	{path: "audit.hash_addresses", kind: "boolean", fallback: "false", about: "Write keyed hashes in the place of addresses."},
	{path: "audit.hash_key", kind: "secret", absent: "one for each start", about: "Key of these hashes, at least 32 bytes; the same on all nodes to compare their trails."},
	{path: "limits.sockets", kind: "number", fallback: "15000", about: "Connections that wait on one node: WebSockets, event streams, checks with `wait`. The process must be allowed to open more files: see Sizing in `docs/operations.md`."},
	{path: "limits.sockets_per_address", kind: "number", fallback: "2000", about: "The same of one address (IPv6: of one /64). It may have twice as many connections open, whatever they do; addresses in `trusted_proxies` are not counted."},
	{path: "limits.watchers_per_code", kind: "number", fallback: "8", about: "The same of one code, without proof of being its browser."},
	{path: "limits.codes_per_address", kind: "number", fallback: "1000", about: "Codes that one address (IPv6: /64) may have open, on all nodes together; they come back over two minutes. A site that shows the pool's secret is not counted."},
	{path: "limits.codes_per_pool", kind: "number", fallback: "30000", about: "The same of one pool. One IPv6 /56 may have 1/20 of them and one /48 1/10, or as many as one address if that is more. The last 1/10 is only for networks (IPv4 /24, IPv6 /48) with at most 1/1000. `docs/operations.md` says how much memory of Redis a pool takes."},
	{path: "limits.address_rate", kind: "number", fallback: "100", about: "Calls a second of one address to `gene`, `scanned`, `confirm`, `cancel`; ten seconds' worth may come at once, on all nodes together. Calls with a pool's secret are not counted."},
	{path: "limits.user_rate", kind: "number", fallback: "5", about: "The phone's calls a second of one user, on all nodes together."},
	{path: "limits.check_rate", kind: "number", fallback: "5", about: "Checks, pictures and opened links a second of one code on one node, each for itself, however many addresses ask."},
	{path: "limits.miss_rate", kind: "number", fallback: "10", about: "Guesses a second of one address, on all nodes together: codes and tickets that do not exist, beyond which calls without proof get 429 also for existing codes of other addresses; and as many wrong secrets for one pool, beyond which no secret is looked at. One IPv6 /64 may show ten times as many wrong secrets, for all pools."},

	{path: "console.tokens[].name", kind: "text", required: true, about: "Who the administrator is: 1 to 64 characters, for the history of changes."},
	{path: "console.tokens[].sha256", kind: "text", required: true, about: "Hash of the administrator's token, in hexadecimal; `scanlogin console-token` makes both. Needs `ops_listen`, where the console is, at `/console`."},

	{path: "pools[].id", kind: "text", required: true, about: "The user pool's id: 1 to 64 letters, digits, `-`, `_`, `.`."},
	{path: "pools[].name", label: "Name", kind: "text", absent: "the id", about: "Shown on the phone, at most 64 characters."},
	{path: "pools[].logo", label: "Logo", kind: "address", absent: "none", about: "Address of the pool's picture."},
	{path: "pools[].app_ids", kind: "list", absent: "none", about: "Further names of the pool: the SDKs' `appId`."},
	{path: "pools[].secret", kind: "secret", absent: "—", about: "Proves the site's back end; at least 24 bytes. `scanlogin secret` prints a good one. One of the two."},
	{path: "pools[].secrets", kind: "secrets", absent: "—", about: "Instead of `secret`, while it is rotated: the first makes new codes, all are accepted. One of the two."},
	{path: "pools[].origins", label: "Origins", kind: "list", absent: "none", about: "Where login pages live: `https://host[:port]`."},
	{path: "pools[].identity.jwt.hs256_secret", kind: "secret", absent: "—", about: "The phone's tokens are HS256 under this secret of at least 32 bytes. One of the four."},
	{path: "pools[].identity.jwt.public_key", kind: "secret", absent: "—", about: "They are signed by this public key in PEM. One of the four."},
	{path: "pools[].identity.jwt.jwks_url", kind: "address", absent: "—", about: "They are signed by a key of this JWKS. One of the four."},
	{path: "pools[].identity.jwt.issuer", kind: "text", absent: "any issuer", about: "Required `iss`; alone, the keys are found by OIDC discovery. One of the four."},
	{path: "pools[].identity.jwt.audience", kind: "text", absent: "any audience", about: "Required `aud`."},
	{path: "pools[].identity.jwt.claims.id", kind: "text", absent: "`sub`", about: "The claim that the user's `id` comes from."},
	{path: "pools[].identity.jwt.claims.username", kind: "text", absent: "`preferred_username`", about: "The same for `username`."},
	{path: "pools[].identity.jwt.claims.nickname", kind: "text", absent: "`nickname`, else `name`", about: "The same for `nickname`."},
	{path: "pools[].identity.jwt.claims.photo", kind: "text", absent: "`picture`", about: "The same for `photo`."},
	{path: "pools[].identity.jwt.claims.email", kind: "text", absent: "`email`", about: "The same for `email`."},
	{path: "pools[].identity.jwt.claims.emailVerified", kind: "text", absent: "`email_verified`", about: "The same for `emailVerified`."},
	{path: "pools[].identity.jwt.claims.phone", kind: "text", absent: "`phone_number`", about: "The same for `phone`."},
	{path: "pools[].identity.jwt.claims.more", kind: "list", absent: "none", about: "Further claims that the site is given."},
	{path: "pools[].identity.userinfo.url", kind: "address", required: true, about: "Instead of `jwt`: the token is passed on to this address, and JSON comes back. Any token that it accepts logs in, so it must be the site's own."},
	{path: "pools[].identity.userinfo.claims.id", kind: "text", absent: "`sub`", about: "The field of the answer that the user's `id` comes from."},
	{path: "pools[].identity.userinfo.claims.username", kind: "text", absent: "`preferred_username`", about: "The same for `username`."},
	{path: "pools[].identity.userinfo.claims.nickname", kind: "text", absent: "`nickname`, else `name`", about: "The same for `nickname`."},
	{path: "pools[].identity.userinfo.claims.photo", kind: "text", absent: "`picture`", about: "The same for `photo`."},
	{path: "pools[].identity.userinfo.claims.email", kind: "text", absent: "`email`", about: "The same for `email`."},
	{path: "pools[].identity.userinfo.claims.emailVerified", kind: "text", absent: "`email_verified`", about: "The same for `emailVerified`."},
	{path: "pools[].identity.userinfo.claims.phone", kind: "text", absent: "`phone_number`", about: "The same for `phone`."},
	{path: "pools[].identity.userinfo.claims.more", kind: "list", absent: "none", about: "Further fields that the site is given."},
	{path: "pools[].vouching", kind: "boolean", fallback: "false", about: "Beside an identity, the app's back end may name the user itself; without one it always may."},
	{path: "pools[].code_ttl", label: "Code lifetime", kind: "duration", fallback: "120s", about: "Life of a code that nobody scans, 1s to 10m."},
	{path: "pools[].confirm_ttl", label: "Time to decide", kind: "duration", fallback: "60s", about: "Least time from scan to decision, 1s to 10m."},
	{path: "pools[].ticket_ttl", label: "Ticket lifetime", kind: "duration", fallback: "300s", about: "Time from confirm to exchange of the ticket, 1s to 1h."},
	{path: "pools[].max_codes", label: "Codes a page gets", kind: "number", fallback: "6", about: "Codes a page gets before it must ask the person, 1 to 100."},
	{path: "pools[].payload_format", kind: "text", fallback: "json", about: "The picture's text: `json` as the SDKs read it, or `url`, which a phone's own camera opens."},
	{path: "pools[].app_link", kind: "address", absent: "none", about: "Address with `{random}` in it that opens the app: on small screens, behind `/s/<random>`, and with `payload_format: url` in the picture."},
	{path: "pools[].webhook.url", kind: "address", required: true, about: "Where each transition of a code is told by a signed POST (`docs/webhooks.md`); `https`, unless `allow_private`."},
	{path: "pools[].webhook.secret", kind: "secret", required: true, about: "Signs them: `whsec_` and base64. `scanlogin secret --webhook` prints a good one."},
	{path: "pools[].webhook.previous_secret", kind: "secret", absent: "none", about: "Signs them as well, while receivers go over to a new `secret`."},
	{path: "pools[].webhook.events", kind: "list", absent: "all", about: "Which are told: `code.made`, `code.scanned`, `code.confirmed`, `code.exchanged`, `code.canceled`, `code.withdrawn`, `code.expired`."},
	{path: "pools[].webhook.allow_private", kind: "boolean", fallback: "false", about: "The address may be `http`, and lead to this machine or into the own network."},
	{path: "pools[].return_full_user_info", label: "Full user in the status call", kind: "boolean", fallback: "false", about: "`check` gives the browser the whole user with its token."},
	{path: "pools[].allow_browser_exchange", label: "Exchange from the browser", kind: "boolean", fallback: "false", about: "The browser itself may exchange the ticket."},
	{path: "pools[].bind_browser", label: "Ticket only for the browser that asked", kind: "boolean", fallback: "true", about: "Ticket and user only for the browser that asked for the code. `false`: for whoever knows `random`."},
	{path: "pools[].match", label: "Number matching", kind: "text", fallback: "off", about: "`digits`: the page shows two digits once it is scanned, and the phone must send them with `confirm`; three wrong ones end the code."},
	{path: "pools[].require_pkce", label: "Require PKCE", kind: "boolean", fallback: "false", about: "No code without a `codeChallenge` (RFC 7636), so that a ticket is worth nothing without its verifier."},
	{path: "pools[].consent.other_network", kind: "text", fallback: "ok", about: "What it leads to if phone and page have different public addresses: `ok`, `careful` (the phone warns) or `block` (`confirm` is refused)."},
	{path: "pools[].consent.other_country", kind: "text", fallback: "careful", about: "The same if these are in different countries, by `geoip_file`."},
	{path: "pools[].consent.new_browser", kind: "text", fallback: "ok", about: "The same if the user has not confirmed for this browser before."},
	{path: "pools[].consent.many_codes", kind: "text", fallback: "careful", about: "The same if the page's address asked for many codes lately."},
	{path: "pools[].consent.many_codes_from", kind: "number", fallback: "100", about: "How many codes are many, 1 to 1000000: people behind one address share them."},
	{path: "pools[].consent.old_request", kind: "text", fallback: "ok", about: "The same if the page asked long ago."},
	{path: "pools[].consent.old_after", kind: "duration", fallback: "1m", about: "How long ago is long, 1s to 10m."},
	{path: "pools[].known_browser_ttl", kind: "duration", fallback: "2160h", about: "How long it is remembered that a user confirmed for a browser, up to 8760h; `0s`: not at all."},
	{path: "pools[].limits.codes_per_address", label: "Codes an address may have open", kind: "number", absent: "the server's", about: "In the place of `limits.codes_per_address`."},
	{path: "pools[].limits.codes_per_pool", label: "Codes the pool may have open", kind: "number", absent: "the server's", about: "In the place of `limits.codes_per_pool`."},
	{path: "pools[].limits.user_rate", label: "A phone's calls a second", kind: "number", absent: "the server's", about: "In the place of `limits.user_rate`."},
}

// lookup finds the row on a path, whose list indices do not matter.
func lookup(path string) (row, bool) {
	path = withoutIndices(path)
	for _, r := range reference {
		if r.path == path {
			return r, true
		}
	}
	return row{}, false
}

// withoutIndices turns pools[3].id into pools[].id.
func withoutIndices(path string) string {
	open, end := strings.IndexByte(path, '['), strings.IndexByte(path, ']')
	if open < 0 || end < open {
		return path
	}
	return path[:open+1] + path[end:]
}

// printReference writes the table as Markdown.
func printReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
	for _, r := range reference {
		standard := r.absent
		if r.fallback != "" {
			standard = "`" + r.fallback + "`"
		}
		if r.required {
			standard = "**required**"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.path, r.kind, standard, r.about)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
