package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/server"
	"github.com/scanlogin/scanlogin/session/redisstore"
)

const (
	maxTokenTTL   = 365 * 24 * time.Hour
	maxDrainDelay = 10 * time.Minute
	mostReplicas  = 10
	maxLimit      = 10_000_000
	minStoreBytes = 1 << 20
)

// keyPrefix is what may stand before Redis keys and channels: no braces, which
// choose a cluster's slot, and no signs of a pattern.
var keyPrefix = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$`)

// settings checks the values and returns what they come to; what is wrong is
// noted in the document, and then the settings are not to be used.
func (d *document) settings() *configuration {
	c := d.config
	s := &configuration{
		Listen:         c.Listen,
		OpsListen:      c.OpsListen,
		PublicURL:      d.publicURL(c.PublicURL),
		RedisURL:       c.RedisURL,
		WaitReplicas:   c.WaitReplicas,
		KeyPrefix:      c.KeyPrefix,
		StoreMaxBytes:  int64(c.StoreMaxBytes),
		TokenTTL:       c.TokenTTL,
		TrustedProxies: d.prefixes("trusted_proxies", c.TrustedProxies),
		DrainDelay:     c.DrainDelay,
		Places:         d.geoIP(c.GeoIPFile),
		TrustTrace:     c.TrustTrace,
		Limits:         d.limits(c.Limits),
		LogLevel:       d.logLevel(c.Log.Level),
		LogFormat:      c.Log.Format,
		Audit:          d.audit(c.Audit),
		Pools:          d.pools(),
		config:         c,
		places:         d.places,
	}
	s.SigningKey, s.OtherKeys = d.signingKeys(c)
	d.checkListeners(c.Listen, c.OpsListen)
	d.checkConsole(c.Console)
	d.checkRedisURL(string(c.RedisURL))
	d.checkDuration("token_ttl", c.TokenTTL, time.Second, maxTokenTTL)
	d.checkDuration("drain_delay", c.DrainDelay, 0, maxDrainDelay)
	d.checkOneOf("log.format", c.Log.Format, "json", "text")
	if c.WaitReplicas < 0 || c.WaitReplicas > mostReplicas {
		d.refuse("redis_wait_replicas", fmt.Sprintf("must be from 0 to %d", mostReplicas))
	}
	if d.given("store_max_bytes") && c.StoreMaxBytes < minStoreBytes {
		d.refuse("store_max_bytes", fmt.Sprintf("must be at least %d", minStoreBytes))
	}
	if !keyPrefix.MatchString(c.KeyPrefix) {
		d.refuse("key_prefix", "must be 1 to 64 letters, digits and _ . : -, beginning with a letter or digit")
	}
	s.warnings = d.warnings(s)
	return s
}

// minHashKeyBytes is what HMAC-SHA-256 has no less security than (RFC 2104, 3).
const minHashKeyBytes = 32

// audit checks that a key is long enough, and of use.
func (d *document) audit(c auditConfig) auditConfig {
	switch {
	case c.HashKey != "" && len(c.HashKey) < minHashKeyBytes:
		d.refuse("audit.hash_key", fmt.Sprintf("must have at least %d bytes; `scanlogin secret` prints a good one", minHashKeyBytes))
	case c.HashKey != "" && !c.HashAddresses:
		d.refuse("audit.hash_key", "is of no use without hash_addresses: true; add that, or remove the key")
	case c.HashAddresses && c.File == "":
		d.refuse("audit.hash_addresses", "is of no use without file: add a path, or \"-\" for stdout")
	}
	return c
}

func (d *document) limits(c limitsConfig) server.Limits {
	d.checkLimits("limits", c)
	return server.Limits(c)
}

// checkLimits checks that each limit that is given, or has a default, lets
// somebody through.
func (d *document) checkLimits(path string, limits any) {
	walk(reflect.ValueOf(limits), path, func(path string, leaf reflect.Value) {
		if n := leaf.Int(); (d.given(path) || n != 0) && (n < 1 || n > maxLimit) {
			d.refuse(path, fmt.Sprintf("must be from 1 to %d", maxLimit))
		}
	})
}

func (d *document) checkListeners(public, ops string) {
	d.checkListen("listen", public)
	if ops == "" {
		return
	}
	d.checkListen("ops_listen", ops)
	if ops == public && !strings.HasSuffix(ops, ":0") {
		d.refuse("ops_listen", "must differ from listen, so that metrics are not public")
	}
}

func (d *document) checkListen(path, address string) {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil {
		d.refuse(path, "must be host:port, such as 127.0.0.1:8080, or :8080 for all interfaces")
	}
}

func (d *document) publicURL(address string) string {
	origin, err := parseOrigin(strings.TrimSuffix(address, "/"))
	if err != nil {
		d.refuse("public_url", err.Error())
	}
	return origin
}

// checkRedisURL has the address read by who will use it; nothing is connected.
func (d *document) checkRedisURL(address string) {
	if address == "" {
		return
	}
	store, err := redisstore.Open(redisstore.Options{URL: address})
	if err != nil {
		d.refuse("redis_url", strings.TrimPrefix(err.Error(), "redis_url: "))
		return
	}
	_ = store.Close() // there was no connection
}

func (d *document) prefixes(path string, list []string) []netip.Prefix {
	prefixes := make([]netip.Prefix, 0, len(list))
	for i, text := range list {
		prefix, err := parsePrefix(text)
		if err != nil {
			d.refuse(fmt.Sprintf("%s[%d]", path, i), "must be a network, such as 10.0.0.0/8, or an address")
		}
		prefixes = append(prefixes, prefix)
	}
	return prefixes
}

func parsePrefix(text string) (netip.Prefix, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		return prefix.Masked(), nil
	}
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	addr = addr.Unmap().WithZone("")
	return netip.PrefixFrom(addr, addr.BitLen()), nil
}

func (d *document) logLevel(name string) slog.Level {
	var level slog.Level
	d.checkOneOf("log.level", name, "debug", "info", "warn", "error")
	_ = level.UnmarshalText([]byte(name)) // knows these four
	return level
}

func (d *document) checkOneOf(path, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		d.refuse(path, "must be "+strings.Join(allowed, " or "))
	}
}

func (d *document) checkDuration(path string, value, least, most time.Duration) {
	if value < least || value > most {
		d.refuse(path, fmt.Sprintf("must be from %s to %s", short(least), short(most)))
	}
}

// short writes a duration as people do: 10m, not 10m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// parseOrigin reads scheme://host[:port] and returns it as browsers write it:
// in lower case, without the scheme's own port.
func parseOrigin(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" {
		return "", errors.New("must be scheme://host[:port] with http or https, such as https://www.example.com; no patterns")
	}
	if u.Path != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || u.User != nil || strings.HasSuffix(text, "#") {
		return "", errors.New("must end after host[:port]; remove path, query, fragment and user")
	}
	if !isHost(u.Hostname()) {
		return "", errors.New("has a host that is no name; write other scripts as xn--…, and no patterns")
	}
	port := u.Port()
	if port == "" && strings.HasSuffix(u.Host, ":") {
		return "", errors.New("has a colon without a port; remove it")
	}
	if n, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || n == 0) {
		return "", errors.New("has a port that is none; it must be 1 to 65535")
	}
	host := strings.ToLower(u.Hostname())
	if addr, err := netip.ParseAddr(host); err == nil && addr.Is6() {
		host = "[" + addr.String() + "]" // in its shortest form
	}
	if port != "" && (u.Scheme != "https" || port != "443") && (u.Scheme != "http" || port != "80") {
		host += ":" + port
	}
	return u.Scheme + "://" + host, nil
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

func isHost(name string) bool {
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.Zone() == "" || hostName.MatchString(name)
}
