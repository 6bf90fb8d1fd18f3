// Package geoip looks up where an IP address is in a file in MaxMind's DB format
// (GeoLite2, GeoIP2, DB-IP: their City and Country databases).
//
// It guarantees that it does no I/O: the caller of [New] has read the file, so a file
// that is replaced or truncated on disk does not affect lookups. A lookup never fails:
// what the file lacks, or holds in a wrong form, is unknown.
package geoip

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Map is one file's knowledge. It never changes, and may be used by many
// goroutines.
type Map struct {
	db *maxminddb.Reader
}

// ErrFormat is for what is no MaxMind DB.
var ErrFormat = errors.New("is no MaxMind DB file (.mmdb), or is damaged; download it anew")

// Parse makes a map of a file's bytes, which it keeps. The errors are ErrFormat,
// and one that names the type of a database which knows no countries.
func Parse(data []byte) (*Map, error) {
	db, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, ErrFormat
	}
	kind := db.Metadata.DatabaseType
	for _, known := range []string{"City", "Country", "Enterprise"} {
		if strings.Contains(kind, known) {
			return &Map{db}, nil
		}
	}
	return nil, fmt.Errorf("is a database of type %.40q; it must be a City or Country one", kind)
}

// record is what is read of an address.
type record struct {
	City    named `maxminddb:"city"`
	Country struct {
		named
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
}

type named struct {
	Names map[string]string `maxminddb:"names"`
}

func (n named) in(lang string) string {
	if name := n.Names[lang]; name != "" {
		return name
	}
	return n.Names["en"]
}

// Find returns the country of an address (ISO 3166-1, two letters) and the name
// of the place in lang ("en", "zh-CN" …), else in English: "Berlin, Germany".
// What is not known is "", also of a nil map.
func (m *Map) Find(addr netip.Addr, lang string) (country, name string) {
	if m == nil || !addr.IsValid() {
		return "", ""
	}
	var found record
	if m.db.Lookup(addr.Unmap()).Decode(&found) != nil {
		return "", ""
	}
	city, land := found.City.in(lang), found.Country.in(lang)
	if city == "" || land == "" || city == land { // as Singapore is
		return found.Country.Code, land + strings.TrimPrefix(city, land)
	}
	return found.Country.Code, city + ", " + land
}

// Atlas is the map that is in force. The zero Atlas knows nothing.
type Atlas struct {
	current atomic.Pointer[Map]
}

// Replace puts m in the place of the map that was there; nil: none.
func (a *Atlas) Replace(m *Map) { a.current.Store(m) }

// Find is that of the map in force.
func (a *Atlas) Find(addr netip.Addr, lang string) (country, name string) {
	return a.current.Load().Find(addr, lang)
}
