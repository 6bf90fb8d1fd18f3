// Package geoiptest writes small databases in MaxMind's format for tests. It guarantees
// that they have the structure that MaxMind's own databases have.
package geoiptest

import (
	"bytes"
	"net"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

// Place is the record of a network.
type Place struct {
	Network                 string
	City, CityChinese       string
	Code                    string
	Country, CountryChinese string
}

// Places are two cities and a country, in networks reserved for documentation.
var Places = [...]Place{
	{"203.0.113.0/24", "Berlin", "柏林", "DE", "Germany", "德国"},
	{"198.51.100.0/24", "", "", "FR", "France", ""},
	{"2001:db8::/32", "Singapore", "新加坡", "SG", "Singapore", "新加坡"},
}

// City returns a GeoLite2-City database of Places.
func City(t testing.TB) []byte {
	t.Helper()
	networks := make(map[string]mmdbtype.DataType)
	for _, p := range Places {
		country := named(p.Country, p.CountryChinese)
		country["iso_code"] = mmdbtype.String(p.Code)
		record := mmdbtype.Map{"country": country}
		if p.City != "" {
			record["city"] = named(p.City, p.CityChinese)
		}
		networks[p.Network] = record
	}
	return Database(t, "GeoLite2-City", networks)
}

func named(en, zh string) mmdbtype.Map {
	names := mmdbtype.Map{"en": mmdbtype.String(en)}
	if zh != "" {
		names["zh-CN"] = mmdbtype.String(zh)
	}
	return mmdbtype.Map{"names": names}
}

// Database returns a database of a type with a record for each network.
func Database(t testing.TB, kind string, networks map[string]mmdbtype.DataType) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, Languages: []string{"en", "zh-CN"}, IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	for network, data := range networks {
		_, prefix, err := net.ParseCIDR(network)
		if err == nil {
			err = tree.Insert(prefix, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var file bytes.Buffer
	if _, err := tree.WriteTo(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}
