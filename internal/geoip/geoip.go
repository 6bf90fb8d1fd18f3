// Package geoip finds the location of an IP address in a file in MaxMind DB format (the City
// and Country databases of GeoLite2, GeoIP2 and DB-IP).
//
// It guarantees that it does no I/O: the caller of [Parse] has read the file, so a file that
// is replaced or truncated on disk does not affect lookups. A lookup never fails: a location
// that the file lacks or stores in an invalid form is unknown.
package geoip

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/oschwald/maxminddb-golang/v2"
)

// Database is the content of one file. It is immutable and safe for concurrent use.
type Database struct {
	db *maxminddb.Reader
}

// ErrFormat is returned for data that is not a MaxMind DB.
var ErrFormat = errors.New("is not a MaxMind DB file (.mmdb), or is damaged; download it again")

// Parse returns the database in a file's bytes, which it keeps. The errors are ErrFormat, and
// one that names the type of a database without countries.
func Parse(data []byte) (*Database, error) {
	db, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, ErrFormat
	}
	kind := db.Metadata.DatabaseType
	for _, known := range []string{"City", "Country", "Enterprise"} {
		if strings.Contains(kind, known) {
			return &Database{db}, nil
		}
	}
	return nil, fmt.Errorf("is a database of type %.40q; must be a City or Country database", kind)
}

// record is the part of a database record that is decoded.
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

// Lookup returns the country of an address (ISO 3166-1, two letters) and the name of the
// location in lang ("en", "zh-CN" …) or else in English, such as "Berlin, Germany". Unknown
// values are "". A nil database has no locations.
func (d *Database) Lookup(addr netip.Addr, lang string) (country, name string) {
	if d == nil || !addr.IsValid() {
		return "", ""
	}
	var found record
	if d.db.Lookup(addr.Unmap()).Decode(&found) != nil {
		return "", ""
	}
	city, land := found.City.in(lang), found.Country.in(lang)
	if city == "" || land == "" || city == land { // such as Singapore
		return found.Country.Code, land + strings.TrimPrefix(city, land)
	}
	return found.Country.Code, city + ", " + land
}

// Locator looks up locations in a database that can be replaced. The zero Locator knows
// nothing.
type Locator struct {
	current atomic.Pointer[Database]
}

// Replace sets the database; nil: none.
func (l *Locator) Replace(d *Database) { l.current.Store(d) }

// Lookup is [Database.Lookup] of the current database.
func (l *Locator) Lookup(addr netip.Addr, lang string) (country, name string) {
	return l.current.Load().Lookup(addr, lang)
}
