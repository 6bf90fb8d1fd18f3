// Package config reads the configuration: from a file, the environment and flags.
//
// Every setting is one field of [Values], whose tags carry its key, type, default, bounds
// and help. Parsing, validation, flags, the reference and the console derive from them. A
// configuration that is returned is valid as a whole; an invalid one is refused with every
// problem at once, each with its position and its cure. Secrets are redacted in all output.
package config

import (
	"crypto/ecdsa"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"

	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/internal/safefile"
)

// Config is a valid configuration: the values, with secrets in place of references, and
// what is built from them. It is not modified.
type Config struct {
	Values

	PrivateKey    *ecdsa.PrivateKey  // signs the issued tokens; nil: none are issued
	PublishedKeys []*ecdsa.PublicKey // published in addition
	ProxyNetworks []netip.Prefix     // of TrustedProxies
	GeoIP         *geoip.Database    // nil: the place of addresses is unknown
	UserPools     []*pool.Pool       // of Pools, in the same order
	Warnings      []Problem          // valid but unwise settings, in the order of the file
	positions     map[string]position
}

// LogLevel returns the level of the log.
func (c *Config) LogLevel() (level slog.Level) {
	_ = level.UnmarshalText([]byte(c.Log.Level)) // was validated
	return level
}

// build builds the configuration. It is only used if the document has no problems.
func (d *document) build() *Config {
	c := &Config{Values: d.values, positions: d.positions}
	c.PublicURL, _ = parsePublicURL(d.values.PublicURL) // was validated
	for _, text := range d.values.TrustedProxies {
		network, _ := parseNetwork(text) // was validated
		c.ProxyNetworks = append(c.ProxyNetworks, network)
	}
	c.GeoIP = d.readGeoIP()
	c.PrivateKey, c.PublishedKeys = d.signingKeys()
	for i := range d.values.Pools {
		c.UserPools = append(c.UserPools, d.buildPool(i))
	}
	d.checkAssociation(c.UserPools)
	c.Warnings = d.warnings(c)
	return c
}

const maxGeoIPBytes = 512 << 20 // twice the largest City database on the market

// readGeoIP reads the geoip_file, nil if there is none.
func (d *document) readGeoIP() *geoip.Database {
	path := d.values.GeoIPFile
	if path == "" {
		return nil
	}
	data, err := safefile.Read(path, maxGeoIPBytes)
	if err != nil {
		d.refuse("geoip_file", fmt.Sprintf("%s: %v; it must be a MaxMind DB file that this user may read", quoteName(path), err))
		return nil
	}
	places, err := geoip.Parse(data)
	if err != nil {
		d.refuse("geoip_file", err.Error())
	}
	return places
}

// oneOrSeveral returns the values of a setting that is written as one value or, with an s
// after its key, as a list of which the first is in use.
func (d *document) oneOrSeveral(path string, one Secret, list []Secret) []Secret {
	several := path + "s"
	if !d.given(several) && len(list) == 0 {
		if one == "" {
			return nil
		}
		return []Secret{one}
	}
	switch {
	case one != "":
		d.refuse(several, "cannot be combined with "+path+"; remove one")
	case len(list) == 0:
		d.refuse(several, "is empty; write at least one, or remove it")
	}
	for i, value := range list {
		if value != "" && slices.Contains(list[:i], value) {
			d.refuse(fmt.Sprintf("%s[%d]", several, i), "is a duplicate; remove one")
		}
	}
	return list
}
