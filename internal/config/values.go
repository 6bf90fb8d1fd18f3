package main

import "time"

// config is the shape of the configuration file; [reference] has a row on each
// of its keys, with the default that stands where the key is absent.
type config struct {
	Listen         string         `yaml:"listen"`
	OpsListen      string         `yaml:"ops_listen"`
	PublicURL      string         `yaml:"public_url"`
	RedisURL       secretText     `yaml:"redis_url"`
	WaitReplicas   int            `yaml:"redis_wait_replicas"`
	KeyPrefix      string         `yaml:"key_prefix"`
	StoreMaxBytes  int            `yaml:"store_max_bytes"`
	SigningKey     secretText     `yaml:"signing_key"`
	SigningKeys    []secretText   `yaml:"signing_keys"`
	TokenTTL       time.Duration  `yaml:"token_ttl"`
	TrustedProxies []string       `yaml:"trusted_proxies"`
	DrainDelay     time.Duration  `yaml:"drain_delay"`
	GeoIPFile      string         `yaml:"geoip_file"`
	TrustTrace     bool           `yaml:"trust_traceparent"`
	Log            logConfig      `yaml:"log"`
	Audit          auditConfig    `yaml:"audit"`
	Console        *consoleConfig `yaml:"console"`
	Limits         limitsConfig   `yaml:"limits"`
	Pools          []poolConfig   `yaml:"pools"`
}

type auditConfig struct {
	File          string     `yaml:"file"`
	HashAddresses bool       `yaml:"hash_addresses"`
	HashKey       secretText `yaml:"hash_key"`
}

// limitsConfig is server.Limits.
type limitsConfig struct {
	Sockets           int `yaml:"sockets"`
	SocketsPerAddress int `yaml:"sockets_per_address"`
	WatchersPerCode   int `yaml:"watchers_per_code"`
	CodesPerAddress   int `yaml:"codes_per_address"`
	CodesPerPool      int `yaml:"codes_per_pool"`
	AddressRate       int `yaml:"address_rate"`
	UserRate          int `yaml:"user_rate"`
	CheckRate         int `yaml:"check_rate"`
	MissRate          int `yaml:"miss_rate"`
}

type consoleConfig struct {
	Tokens []consoleToken `yaml:"tokens"`
}

// consoleToken is an administrator.
type consoleToken struct {
	Name   string `yaml:"name"`
	SHA256 string `yaml:"sha256"`
}

type logConfig struct {
	Level  string `yaml:"level"`
	Format string `yaml:"format"`
}

type poolConfig struct {
	ID                   string          `yaml:"id"`
	Name                 string          `yaml:"name"`
	Logo                 string          `yaml:"logo"`
	AppIDs               []string        `yaml:"app_ids"`
	Secret               secretText      `yaml:"secret"`
	Secrets              []secretText    `yaml:"secrets"`
	Origins              []string        `yaml:"origins"`
	Identity             *identityConfig `yaml:"identity"`
	Vouching             bool            `yaml:"vouching"`
	CodeTTL              time.Duration   `yaml:"code_ttl"`
	ConfirmTTL           time.Duration   `yaml:"confirm_ttl"`
	TicketTTL            time.Duration   `yaml:"ticket_ttl"`
	MaxCodes             int             `yaml:"max_codes"`
	PayloadFormat        string          `yaml:"payload_format"`
	AppLink              string          `yaml:"app_link"`
	Webhook              *webhookConfig  `yaml:"webhook"`
	ReturnFullUserInfo   bool            `yaml:"return_full_user_info"`
	AllowBrowserExchange bool            `yaml:"allow_browser_exchange"`
	BindBrowser          bool            `yaml:"bind_browser"`
	Match                string          `yaml:"match"`
	RequirePKCE          bool            `yaml:"require_pkce"`
	Consent              consentConfig   `yaml:"consent"`
	KnownBrowserTTL      time.Duration   `yaml:"known_browser_ttl"`
	Limits               poolLimits      `yaml:"limits"`
}

// consentConfig is pool.Consent.
type consentConfig struct {
	OtherNetwork  string        `yaml:"other_network"`
	OtherCountry  string        `yaml:"other_country"`
	NewBrowser    string        `yaml:"new_browser"`
	ManyCodes     string        `yaml:"many_codes"`
	ManyCodesFrom int           `yaml:"many_codes_from"`
	OldRequest    string        `yaml:"old_request"`
	OldAfter      time.Duration `yaml:"old_after"`
}

// poolLimits is pool.Limits.
type poolLimits struct {
	CodesPerAddress int `yaml:"codes_per_address"`
	CodesPerPool    int `yaml:"codes_per_pool"`
	UserRate        int `yaml:"user_rate"`
}

type identityConfig struct {
	JWT      *jwtConfig      `yaml:"jwt"`
	Userinfo *userinfoConfig `yaml:"userinfo"`
}

type jwtConfig struct {
	HS256Secret secretText   `yaml:"hs256_secret"`
	PublicKey   secretText   `yaml:"public_key"`
	JWKSURL     string       `yaml:"jwks_url"`
	Issuer      string       `yaml:"issuer"`
	Audience    string       `yaml:"audience"`
	Claims      claimsConfig `yaml:"claims"`
}

type userinfoConfig struct {
	URL    string       `yaml:"url"`
	Claims claimsConfig `yaml:"claims"`
}

// webhookConfig is pool.Webhook.
type webhookConfig struct {
	URL            string     `yaml:"url"`
	Secret         secretText `yaml:"secret"`
	PreviousSecret secretText `yaml:"previous_secret"`
	Events         []string   `yaml:"events"`
	AllowPrivate   bool       `yaml:"allow_private"`
}

// claimsConfig names the claim that each of a user's fields is taken from.
type claimsConfig struct {
	ID            string   `yaml:"id"`
	Username      string   `yaml:"username"`
	Nickname      string   `yaml:"nickname"`
	Photo         string   `yaml:"photo"`
	Email         string   `yaml:"email"`
	EmailVerified string   `yaml:"emailVerified"`
	Phone         string   `yaml:"phone"`
	More          []string `yaml:"more"`
}
