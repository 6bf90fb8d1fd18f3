package main

import (
	"reflect"

	"github.com/alecthomas/kong"
)

// configFlags name the configuration and the values that are given in the
// place of the file's: flags win over the environment, that over the file.
type configFlags struct {
	Config    string        `default:"scanlogin.yaml" env:"SCANLOGIN_CONFIG" help:"Configuration file."`
	Overrides overrideFlags `embed:"" group:"In the place of the file's values:"`
}

// overrideFlags are the scalars of the configuration; the yaml tags name them.
type overrideFlags struct {
	Listen         *string     `yaml:"listen" placeholder:"HOST:PORT" env:"SCANLOGIN_LISTEN" help:"Where browsers, phones and sites call."`
	OpsListen      *string     `yaml:"ops_listen" placeholder:"HOST:PORT" env:"SCANLOGIN_OPS_LISTEN" help:"Where /livez, /readyz and /metrics are."`
	PublicURL      *string     `yaml:"public_url" placeholder:"URL" env:"SCANLOGIN_PUBLIC_URL" help:"How the outside names this server."`
	RedisURL       *secretText `yaml:"redis_url" placeholder:"URL" env:"SCANLOGIN_REDIS_URL" help:"Where Redis is; env:NAME and file:PATH are understood."`
	WaitReplicas   *string     `yaml:"redis_wait_replicas" name:"redis-wait-replicas" placeholder:"N" env:"SCANLOGIN_REDIS_WAIT_REPLICAS" help:"How many replicas must have an exchanged ticket."`
	KeyPrefix      *string     `yaml:"key_prefix" placeholder:"TEXT" env:"SCANLOGIN_KEY_PREFIX" help:"Keys and channels in Redis begin with it."`
	StoreMaxBytes  *string     `yaml:"store_max_bytes" name:"store-max-bytes" placeholder:"N" env:"SCANLOGIN_STORE_MAX_BYTES" help:"Bytes of memory that the store may use."`
	SigningKey     *secretText `yaml:"signing_key" placeholder:"KEY" env:"SCANLOGIN_SIGNING_KEY" help:"EC P-256 private key: PEM, env:NAME or file:PATH."`
	SigningKeys    *secretText `yaml:"signing_keys" placeholder:"KEYS" env:"SCANLOGIN_SIGNING_KEYS" help:"Several of them, env:NAME or file:PATH, with commas between."`
	TokenTTL       *string     `yaml:"token_ttl" placeholder:"DURATION" env:"SCANLOGIN_TOKEN_TTL" help:"How long an issued token is good."`
	TrustedProxies *string     `yaml:"trusted_proxies" placeholder:"LIST" env:"SCANLOGIN_TRUSTED_PROXIES" help:"Networks or addresses, with commas between."`
	DrainDelay     *string     `yaml:"drain_delay" placeholder:"DURATION" env:"SCANLOGIN_DRAIN_DELAY" help:"From \"not ready\" to closing the listener."`
	GeoIPFile      *string     `yaml:"geoip_file" name:"geoip-file" placeholder:"FILE" env:"SCANLOGIN_GEOIP_FILE" help:"MaxMind DB that knows where addresses are."`
	TrustTrace     *string     `yaml:"trust_traceparent" name:"trust-traceparent" placeholder:"BOOLEAN" env:"SCANLOGIN_TRUST_TRACEPARENT" help:"Whether calls join the trace that they name."`
	LogLevel       *string     `yaml:"log.level" placeholder:"LEVEL" env:"SCANLOGIN_LOG_LEVEL" help:"debug, info, warn or error."`
	LogFormat      *string     `yaml:"log.format" placeholder:"FORMAT" env:"SCANLOGIN_LOG_FORMAT" help:"json or text."`

	AuditFile          *string     `yaml:"audit.file" name:"audit-file" placeholder:"PATH" env:"SCANLOGIN_AUDIT_FILE" help:"Where steps and refusals are written; - is stdout."`
	AuditHashAddresses *string     `yaml:"audit.hash_addresses" name:"audit-hash-addresses" placeholder:"BOOL" env:"SCANLOGIN_AUDIT_HASH_ADDRESSES" help:"Write hashes in the place of addresses."`
	AuditHashKey       *secretText `yaml:"audit.hash_key" name:"audit-hash-key" placeholder:"KEY" env:"SCANLOGIN_AUDIT_HASH_KEY" help:"Key of the hashes: env:NAME or file:PATH."`

	LimitSockets           *string `yaml:"limits.sockets" name:"limits-sockets" placeholder:"N" env:"SCANLOGIN_LIMITS_SOCKETS" help:"Connections that wait on one node."`
	LimitSocketsPerAddress *string `yaml:"limits.sockets_per_address" name:"limits-sockets-per-address" placeholder:"N" env:"SCANLOGIN_LIMITS_SOCKETS_PER_ADDRESS" help:"The same of one address."`
	LimitWatchersPerCode   *string `yaml:"limits.watchers_per_code" name:"limits-watchers-per-code" placeholder:"N" env:"SCANLOGIN_LIMITS_WATCHERS_PER_CODE" help:"The same of one code, without proof."`
	LimitCodesPerAddress   *string `yaml:"limits.codes_per_address" name:"limits-codes-per-address" placeholder:"N" env:"SCANLOGIN_LIMITS_CODES_PER_ADDRESS" help:"Codes that one address may have open."`
	LimitCodesPerPool      *string `yaml:"limits.codes_per_pool" name:"limits-codes-per-pool" placeholder:"N" env:"SCANLOGIN_LIMITS_CODES_PER_POOL" help:"Codes that one pool may have open."`
	LimitAddressRate       *string `yaml:"limits.address_rate" name:"limits-address-rate" placeholder:"N" env:"SCANLOGIN_LIMITS_ADDRESS_RATE" help:"Calls a second of one address that change something."`
	LimitUserRate          *string `yaml:"limits.user_rate" name:"limits-user-rate" placeholder:"N" env:"SCANLOGIN_LIMITS_USER_RATE" help:"The phone's calls a second of one user."`
	LimitCheckRate         *string `yaml:"limits.check_rate" name:"limits-check-rate" placeholder:"N" env:"SCANLOGIN_LIMITS_CHECK_RATE" help:"Checks a second of one code."`
	LimitMissRate          *string `yaml:"limits.miss_rate" name:"limits-miss-rate" placeholder:"N" env:"SCANLOGIN_LIMITS_MISS_RATE" help:"Failures a second of one address."`
}

// overrides returns the values that the command line and the environment give.
// An empty environment variable is as good as none.
func overrides(line *kong.Context) []override {
	typed := make(map[*kong.Flag]bool)
	for _, element := range line.Path {
		typed[element.Flag] = true
	}
	var list []override
	for _, flag := range line.Flags() {
		path := flag.Tag.Get("yaml")
		if path == "" || flag.Target.IsNil() {
			continue
		}
		text := reflect.Indirect(flag.Target).String()
		switch {
		case typed[flag]:
			list = append(list, override{path, text, "--" + flag.Name})
		case text != "":
			list = append(list, override{path, text, flag.Envs[0]})
		}
	}
	return list
}

// load reads the configuration that the flags name.
func (f configFlags) load(line *kong.Context) (*configuration, error) {
	return loadSettings(f.Config, overrides(line))
}
