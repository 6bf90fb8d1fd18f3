package redisclient

import (
	"errors"
	"net/url"

	"github.com/redis/go-redis/v9"
)

var errURL = errors.New("must be redis://, rediss:// or unix:// with a host or path; the only parameters are " +
	"addr, master_name, username, password, db and client_name; " +
	"percent-encode special characters in a password")

// parseURL returns the client options for a URL. The error is the same for every
// invalid URL, because parts of a password could be anywhere in it.
func parseURL(text string) (*redis.UniversalOptions, error) {
	u, err := url.Parse(text)
	if err != nil || !onlyAllowed(u.Query()) {
		return nil, errURL
	}
	var options *redis.UniversalOptions
	switch q := u.Query(); {
	case q.Has("master_name"):
		options, err = parseSentinel(text)
	case q.Has("addr"):
		options, err = parseCluster(text)
	default:
		options, err = parseSingle(text)
	}
	if err != nil {
		return nil, errURL
	}
	return setDefaults(options), nil
}

// onlyAllowed reports whether all parameters are about the address and the login. The
// other parameters of go-redis would break the guarantees of this package, and
// skip_verify would turn TLS verification off.
func onlyAllowed(q url.Values) bool {
	for name := range q {
		switch name {
		case "addr", "master_name", "username", "password", "db", "client_name":
		default:
			return false
		}
	}
	return true
}

func parseSingle(text string) (*redis.UniversalOptions, error) {
	o, err := redis.ParseURL(text)
	if err != nil {
		return nil, err
	}
	return &redis.UniversalOptions{
		Addrs: []string{o.Addr}, DB: o.DB, ClientName: o.ClientName,
		Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
	}, nil
}

func parseCluster(text string) (*redis.UniversalOptions, error) {
	o, err := redis.ParseClusterURL(text)
	if err != nil {
		return nil, err
	}
	return &redis.UniversalOptions{
		Addrs: o.Addrs, IsClusterMode: true, ClientName: o.ClientName,
		Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
	}, nil
}

func parseSentinel(text string) (*redis.UniversalOptions, error) {
	o, err := redis.ParseFailoverURL(text)
	if err != nil {
		return nil, err
	}
	if o.MasterName == "" {
		return nil, errURL
	}
	return &redis.UniversalOptions{
		Addrs: o.SentinelAddrs, MasterName: o.MasterName, DB: o.DB, ClientName: o.ClientName,
		Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
		SentinelUsername: o.SentinelUsername, SentinelPassword: o.SentinelPassword,
	}, nil
}
