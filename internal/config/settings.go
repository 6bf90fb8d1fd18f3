package config

import (
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
)

// Values holds every setting. The tags of a field are all that is known about a setting:
//
//	key      name in the file; flags and environment variables are derived from the path
//	type     what to write, where the Go type does not say it: address, file
//	default  value of an absent key, as it would be written
//	absent   what absence means, where there is no default value
//	required "true": the key must be present
//	min, max bounds of a number or duration; for a secret, its least length in bytes
//	oneof    the allowed values, separated by spaces
//	check    further validation, by its name in [checks]
//	reload   "true": SIGHUP applies a change; all others need a restart
//	label    name in the console, for settings of a pool that administrators may change
//	help     what it does, with 'code' in single quotes; the first sentence is the help of the flag
//
// Adding a field with its tags adds the setting to the file format, the environment, the
// flags, the validation, the reference and, with a label, the console.
type Values struct {
	Listen         string        `key:"listen" type:"address" default:"127.0.0.1:8080" check:"listen" help:"Public listener, as 'host:port', for browsers, phones and sites. Terminate TLS in a proxy in front of it."`
	OpsListen      string        `key:"ops_listen" type:"address" absent:"off" check:"listen" help:"Listener for '/livez', '/readyz', '/metrics' and the console. They are never served on the public listener."`
	PublicURL      string        `key:"public_url" type:"address" required:"true" check:"publicURL" help:"Public address of this server, as 'http(s)://host[:port]'. Pictures, cookies and tokens depend on it."`
	RedisURL       Secret        `key:"redis_url" absent:"memory, one node" check:"redisURL" help:"Redis server: 'redis://', 'rediss://' or 'unix://'. Repeat 'addr=' for a cluster, add 'master_name=' for Sentinel; 'docs/redis.md' has examples."`
	WaitReplicas   int           `key:"redis_wait_replicas" default:"0" min:"0" max:"10" help:"Replicas that must acknowledge an exchanged ticket within 100 ms before it is answered. With fewer, the answer is error 1000 and the ticket is spent."`
	KeyPrefix      string        `key:"key_prefix" default:"scanlogin" check:"keyPrefix" help:"Prefix of all keys and channels in Redis."`
	StoreMaxBytes  int           `key:"store_max_bytes" absent:"Redis: its 'maxmemory'; memory: 335544320" min:"1048576" help:"Memory that the store may use, in bytes; on a cluster, of each master. From 80 % of it, new codes are refused ('docs/operations.md'). With Redis, the smaller of this and 'maxmemory' applies."`
	SigningKey     Secret        `key:"signing_key" absent:"no token" reload:"true" help:"EC P-256 private key in PEM (PKCS #8 or SEC 1) that signs the issued tokens."`
	SigningKeys    []Secret      `key:"signing_keys" absent:"—" reload:"true" help:"Replaces 'signing_key' during a rotation: the first key signs, all are published. Keys after the first may be public keys."`
	TokenTTL       time.Duration `key:"token_ttl" default:"1h" min:"1s" max:"8760h" help:"Lifetime of an issued token."`
	TrustedProxies []string      `key:"trusted_proxies" absent:"none" check:"network" help:"Networks ('10.0.0.0/8') or addresses of proxies whose 'X-Forwarded-For' is used. Its entries may have ports."`
	DrainDelay     time.Duration `key:"drain_delay" default:"0s" min:"0s" max:"10m" help:"Time from \"not ready\" to closing the listener, for load balancers."`
	GeoIPFile      string        `key:"geoip_file" type:"file" absent:"none" reload:"true" help:"MaxMind DB with City or Country records (GeoLite2, DB-IP …), which tells the phone where the login page is. Read again at SIGHUP."`
	TrustTrace     bool          `key:"trust_traceparent" default:"false" help:"Requests join the trace in their 'traceparent' and are recorded if it says so. Use it only behind a proxy that sets that header. 'false': each request starts a trace of its own, linked to it. See 'docs/metrics.md'."`
	Log            Log           `key:"log"`
	Audit          Audit         `key:"audit"`
	Console        *Console      `key:"console"`
	Limits         Limits        `key:"limits"`
	Pools          []Pool        `key:"pools"`
}

// Log configures the log, which is written to stderr.
type Log struct {
	Level  string `key:"level" default:"info" oneof:"debug info warn error" help:"Least level that is logged."`
	Format string `key:"format" default:"json" oneof:"json text" help:"Format of the log."`
}

// Audit configures the audit trail.
type Audit struct {
	File          string `key:"file" absent:"off" help:"Audit trail, one line of JSON for each step and each refusal: a path, opened again at SIGHUP, or '-' for stdout. 'docs/operations.md' lists the fields."`
	HashAddresses bool   `key:"hash_addresses" default:"false" help:"Write keyed hashes instead of IP addresses to the audit trail."`
	HashKey       Secret `key:"hash_key" absent:"a new one at each start" min:"32" help:"Key of these hashes, at least 32 bytes. Use the same on all nodes to compare their trails."`
}

// Limits are the limits of a node and, where they say so, of all nodes. The fields are
// those of login.Limits.
type Limits struct {
	Sockets           int `key:"sockets" default:"15000" min:"1" max:"10000000" help:"Waiting connections on one node: WebSockets, event streams, checks with 'wait'. The process must be allowed to open more files: see Sizing in 'docs/operations.md'."`
	SocketsPerAddress int `key:"sockets_per_address" default:"2000" min:"1" max:"10000000" help:"Waiting connections of one IP address (IPv6: one /64) on one node. It may have twice as many open connections of any kind; addresses in 'trusted_proxies' are not counted."`
	WatchersPerCode   int `key:"watchers_per_code" default:"8" min:"1" max:"10000000" help:"Waiting connections for one code on one node, without proof of being its browser."`
	CodesPerAddress   int `key:"codes_per_address" default:"1000" min:"1" max:"10000000" help:"Open codes of one IP address (IPv6: one /64), on all nodes together. The allowance is restored over two minutes. Requests with the secret of the pool are not counted."`
	CodesPerPool      int `key:"codes_per_pool" default:"30000" min:"1" max:"10000000" help:"Open codes of one pool, on all nodes together. One IPv6 /56 may have 1/20 of them and one /48 1/10, or as many as one address if that is more. The last 1/10 is reserved for networks (IPv4 /24, IPv6 /48) with at most 1/1000. 'docs/operations.md' says how much memory of Redis a pool takes."`
	AddressRate       int `key:"address_rate" default:"100" min:"1" max:"10000000" help:"Requests per second of one IP address to 'gene', 'scanned', 'confirm' and 'cancel', on all nodes together. Bursts of ten seconds are allowed. Requests with the secret of the pool are not counted."`
	UserRate          int `key:"user_rate" default:"5" min:"1" max:"10000000" help:"Requests per second of one phone user, on all nodes together."`
	CheckRate         int `key:"check_rate" default:"5" min:"1" max:"10000000" help:"Checks, pictures and opened links per second of one code on one node, each counted separately, from all addresses together."`
	MissRate          int `key:"miss_rate" default:"10" min:"1" max:"10000000" help:"Guesses per second of one IP address, on all nodes together. Unknown codes and tickets: beyond this rate, requests without proof get 429 also for existing codes of other addresses. Wrong secrets for one pool: beyond this rate, no secret is checked. One IPv6 /64 may send ten times as many wrong secrets, for all pools."`
}

// Console configures the console. It is off without it.
type Console struct {
	Tokens []ConsoleToken `key:"tokens"`
}

// ConsoleToken is the access token of an administrator.
type ConsoleToken struct {
	Name   string `key:"name" required:"true" check:"name" help:"Name of the administrator, 1 to 64 characters, for the history of changes."`
	SHA256 string `key:"sha256" required:"true" check:"sha256" help:"SHA-256 of the token of the administrator, in hexadecimal. 'scanlogin console-token' prints both. Needs 'ops_listen', where the console is at '/console'."`
}

// Pool configures a user pool. Its secret has at least 24 bytes: in base64 these are 144 bits,
// which cannot be guessed even with a dump of the store.
type Pool struct {
	ID                   string        `key:"id" required:"true" check:"id" help:"Id of the user pool: 1 to 64 letters, digits, '-', '_', '.'."`
	Name                 string        `key:"name" label:"Name" absent:"the id" check:"name" help:"Name on the phone, at most 64 characters."`
	Logo                 string        `key:"logo" label:"Logo" type:"address" absent:"none" check:"webAddress" help:"Address of the picture of the pool."`
	BrandColor           string        `key:"brand_color" label:"Brand color" default:"#0b6e4f" check:"color" help:"Color of buttons, links and marks on the pages of the pool, as '#rrggbb'; YAML needs quotes around it. It must be dark enough for white text (contrast 4.5:1); dark pages show a lighter tone of it."`
	AppIDs               []string      `key:"app_ids" absent:"none" check:"id" help:"Other ids of the pool: the 'appId' of the SDKs."`
	Secret               Secret        `key:"secret" absent:"—" min:"24" help:"Authenticates the back end of the site; at least 24 bytes. 'scanlogin secret' prints one. Required, or 'secrets'."`
	Secrets              []Secret      `key:"secrets" absent:"—" min:"24" help:"Replaces 'secret' during a rotation: the first makes new codes, all are accepted."`
	Origins              []string      `key:"origins" label:"Origins" absent:"none" check:"origin" help:"Origins of the login pages: 'https://host[:port]'."`
	Identity             *Identity     `key:"identity"`
	Vouching             bool          `key:"vouching" default:"false" help:"With an identity, the back end of the app may also name the user. Without an identity it always may."`
	CodeTTL              time.Duration `key:"code_ttl" label:"Code lifetime" default:"120s" min:"1s" max:"10m" help:"Lifetime of a code until it is scanned."`
	ConfirmTTL           time.Duration `key:"confirm_ttl" label:"Time to decide" default:"60s" min:"1s" max:"10m" help:"Least time from scan to decision."`
	TicketTTL            time.Duration `key:"ticket_ttl" label:"Ticket lifetime" default:"300s" min:"1s" max:"1h" help:"Time from confirm to the exchange of the ticket."`
	MaxCodes             int           `key:"max_codes" label:"Codes a page gets" default:"6" min:"1" max:"100" help:"Codes that a page gets before it must ask its user."`
	PayloadFormat        string        `key:"payload_format" default:"json" oneof:"json url" help:"Text in the picture: 'json' for the SDKs, or 'url', which the camera of a phone opens."`
	AppLink              string        `key:"app_link" type:"address" absent:"none" check:"appLink" help:"Address with '{random}' in it that opens the app: on small screens, behind '/s/<random>', and with 'payload_format: url' in the picture."`
	Apps                 Apps          `key:"apps"`
	Clients              []Client      `key:"clients"`
	Webhook              *Webhook      `key:"webhook"`
	ReturnFullUserInfo   bool          `key:"return_full_user_info" label:"Full user in the status call" default:"false" help:"'check' gives the browser the whole user with its token."`
	AllowBrowserExchange bool          `key:"allow_browser_exchange" label:"Exchange from the browser" default:"false" help:"The browser itself may exchange the ticket."`
	BindBrowser          bool          `key:"bind_browser" label:"Ticket only for the browser that asked" default:"true" help:"Ticket and user are only for the browser that asked for the code. 'false': for everybody who knows 'random'."`
	Match                string        `key:"match" label:"Number matching" default:"off" oneof:"off digits" help:"'digits': the page shows two digits after the scan, and the phone must send them with 'confirm'. Three wrong attempts end the code."`
	TypedCodes           bool          `key:"typed_codes" label:"Codes to type" default:"false" help:"The page can show a code of eight letters, for users who cannot scan. They type it in the app. Set it when all nodes know this setting."`
	RequirePKCE          bool          `key:"require_pkce" label:"Require PKCE" default:"false" help:"A code needs a 'codeChallenge' (RFC 7636), so that a ticket is useless without its verifier."`
	StepUp               *StepUp       `key:"step_up"`
	Consent              Consent       `key:"consent"`
	KnownBrowserTTL      time.Duration `key:"known_browser_ttl" default:"2160h" min:"0s" max:"8760h" help:"How long the server remembers that a user confirmed for a browser; '0s': not at all."`
	Limits               PoolLimits    `key:"limits"`
}

// Apps names the apps that open the links of a pool. The server publishes them for Apple and
// Google, which also let these apps use the passwords that users saved for the host.
type Apps struct {
	IOS     []string     `key:"ios" absent:"none" check:"iosApp" help:"Apps for iOS that open the links of the pool, as 'TEAMID.bundle'. They are listed in '/.well-known/apple-app-site-association'. With apps, 'payload_format: url' and no 'app_link', pictures contain '<public_url>/s/<pool>/<random>'; set it when all nodes know this setting ('docs/phone.md')."`
	Android []AndroidApp `key:"android"`
}

// AndroidApp is one Android app of a pool.
type AndroidApp struct {
	Package string   `key:"package" required:"true" check:"androidPackage" help:"Application id of an Android app that opens the links of the pool. It is listed in '/.well-known/assetlinks.json'."`
	SHA256  []string `key:"sha256" required:"true" check:"fingerprint" help:"SHA-256 fingerprints of the certificates that sign the app, with or without colons. With Play App Signing, use the one that Play Console shows."`
}

// Consent configures the signals on the consent screen. The fields are those of
// pool.Consent.
type Consent struct {
	OtherNetwork  pool.Verdict  `key:"other_network" default:"ok" oneof:"ok careful block" help:"Verdict if phone and page have different public IP addresses: 'careful' warns on the phone, 'block' refuses 'confirm'."`
	OtherCountry  pool.Verdict  `key:"other_country" default:"careful" oneof:"ok careful block" help:"Verdict if these addresses are in different countries, by 'geoip_file'."`
	NewBrowser    pool.Verdict  `key:"new_browser" default:"ok" oneof:"ok careful block" help:"Verdict if the user has not confirmed for this browser before."`
	ManyCodes     pool.Verdict  `key:"many_codes" default:"careful" oneof:"ok careful block" help:"Verdict if the IP address of the page asked for many codes recently."`
	ManyCodesFrom int           `key:"many_codes_from" default:"100" min:"1" max:"1000000" help:"Number of codes that is many. People behind one address share them."`
	OldRequest    pool.Verdict  `key:"old_request" default:"ok" oneof:"ok careful block" help:"Verdict if the page asked for the code long ago."`
	OldAfter      time.Duration `key:"old_after" default:"1m" min:"1s" max:"10m" help:"Age of a request that is old."`
}

// StepUp configures what the login of a phone's user must show for 'confirm'. The fields are
// those of session.StepUp.
type StepUp struct {
	MaxAge    time.Duration `key:"max_age" absent:"any age" min:"30s" max:"8760h" help:"Greatest age of the login of the user in the app, by 'auth_time' of the token. Otherwise 'confirm' is refused (2251) until the user logs in again (RFC 9470). Set 'step_up' when all nodes know it."`
	ACRValues []string      `key:"acr_values" absent:"any 'acr'" check:"acr" help:"Values of which 'acr' of the token must be one."`
	AMR       []string      `key:"amr" absent:"any 'amr'" check:"method" help:"Methods of which 'amr' of the token must contain one."`
}

// PoolLimits overrides Limits for one pool. The fields are those of pool.Limits.
type PoolLimits struct {
	CodesPerAddress int `key:"codes_per_address" label:"Codes an address may have open" absent:"'limits.codes_per_address'" min:"1" max:"10000000" help:"Overrides 'limits.codes_per_address' for this pool."`
	CodesPerPool    int `key:"codes_per_pool" label:"Codes the pool may have open" absent:"'limits.codes_per_pool'" min:"1" max:"10000000" help:"Overrides 'limits.codes_per_pool' for this pool."`
	UserRate        int `key:"user_rate" label:"A phone's calls a second" absent:"'limits.user_rate'" min:"1" max:"10000000" help:"Overrides 'limits.user_rate' for this pool."`
}

// Identity configures how a pool authenticates the users of the phone: by exactly one of
// the two.
type Identity struct {
	JWT      *JWT      `key:"jwt"`
	Userinfo *Userinfo `key:"userinfo"`
}

// JWT configures verification of tokens by a key.
type JWT struct {
	HS256Secret Secret `key:"hs256_secret" absent:"—" help:"The tokens of the phone are HS256 with this secret of at least 32 bytes. One of 'hs256_secret', 'public_key', 'jwks_url' and 'issuer' is required."`
	PublicKey   Secret `key:"public_key" absent:"—" help:"The tokens are signed with the private key of this public key in PEM."`
	JWKSURL     string `key:"jwks_url" type:"address" absent:"—" help:"The tokens are signed with a key of this JWKS."`
	Issuer      string `key:"issuer" absent:"any issuer" help:"Required 'iss'. Without the three others, the keys are found by OIDC discovery."`
	Audience    string `key:"audience" absent:"any audience" help:"Required 'aud'."`
	Claims      Claims `key:"claims"`
}

// Userinfo configures verification of tokens by an endpoint.
type Userinfo struct {
	URL    string `key:"url" type:"address" required:"true" help:"Replaces 'jwt': the token is sent to this address, which answers with JSON. Every token that it accepts logs in, so it must belong to the site."`
	Claims Claims `key:"claims"`
}

// Webhook configures the delivery of the transitions of a pool.
type Webhook struct {
	URL            string   `key:"url" type:"address" required:"true" help:"Receiver of a signed POST for each transition of a code ('docs/webhooks.md'); 'https', unless 'allow_private'."`
	Secret         Secret   `key:"secret" required:"true" check:"webhookKey" help:"Signs the messages: 'whsec_' and base64. 'scanlogin secret --webhook' prints one."`
	PreviousSecret Secret   `key:"previous_secret" absent:"none" check:"webhookKey" help:"Signs the messages as well, while receivers change to a new 'secret'."`
	Events         []string `key:"events" absent:"all" check:"event" help:"Events to deliver: 'code.made', 'code.scanned', 'code.confirmed', 'code.exchanged', 'code.canceled', 'code.withdrawn', 'code.expired'."`
	AllowPrivate   bool     `key:"allow_private" default:"false" help:"The address may be 'http', and may lead to this machine or into a private network."`
}

// Claims names the claim or field from which each field of a user is taken. The fields
// are those of identity.Claims.
type Claims struct {
	ID            string   `key:"id" absent:"'sub'" help:"Claim with the 'id' of the user."`
	Username      string   `key:"username" absent:"'preferred_username'" help:"Claim with the 'username'."`
	Nickname      string   `key:"nickname" absent:"'nickname', else 'name'" help:"Claim with the 'nickname'."`
	Photo         string   `key:"photo" absent:"'picture'" help:"Claim with the 'photo'."`
	Email         string   `key:"email" absent:"'email'" help:"Claim with the 'email'."`
	EmailVerified string   `key:"emailVerified" absent:"'email_verified'" help:"Claim with 'emailVerified'."`
	Phone         string   `key:"phone" absent:"'phone_number'" help:"Claim with the 'phone'."`
	More          []string `key:"more" absent:"none" help:"Other claims to pass on to the site."`
}
