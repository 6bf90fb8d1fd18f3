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
	SigningKey     secretText     `yaml:"signing_key"`
	TokenTTL       time.Duration  `yaml:"token_ttl"`
	TrustedProxies []string       `yaml:"trusted_proxies"`
	DrainDelay     time.Duration  `yaml:"drain_delay"`
	Log            logConfig      `yaml:"log"`
	Limits         limitsConfig   `yaml:"limits"`
	Console        *consoleConfig `yaml:"console"`
	Pools          []poolConfig   `yaml:"pools"`
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
	Origins              []string        `yaml:"origins"`
	Identity             *identityConfig `yaml:"identity"`
	Vouching             bool            `yaml:"vouching"`
	CodeTTL              time.Duration   `yaml:"code_ttl"`
	ConfirmTTL           time.Duration   `yaml:"confirm_ttl"`
	TicketTTL            time.Duration   `yaml:"ticket_ttl"`
	MaxCodes             int             `yaml:"max_codes"`
	PayloadFormat        string          `yaml:"payload_format"`
	AppLink              string          `yaml:"app_link"`
	ReturnFullUserInfo   bool            `yaml:"return_full_user_info"`
	AllowBrowserExchange bool            `yaml:"allow_browser_exchange"`
	BindBrowser          bool            `yaml:"bind_browser"`
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
