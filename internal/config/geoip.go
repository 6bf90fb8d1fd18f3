package main

import (
	"fmt"
	"time"

	"github.com/scanlogin/scanlogin/internal/geoip"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

const (
	maxGeoIPBytes = 512 << 20 // the largest City database that is sold has half of that
	mostManyCodes = 1_000_000
	maxOldAfter   = maxCodeTTL
)

// geoIP reads the file that knows where addresses are; nil if there is none.
func (d *document) geoIP(path string) *geoip.Map {
	if path == "" {
		return nil
	}
	data, err := readRegular(path, maxGeoIPBytes)
	if err != nil {
		d.refuse("geoip_file", fmt.Sprintf("%s: %v; it must be a MaxMind DB file that this user may read", quoteName(path), reason(err)))
		return nil
	}
	places, err := geoip.Parse(data)
	if err != nil {
		d.refuse("geoip_file", err.Error())
	}
	return places
}

// match is how a pool's phones show that they see the page.
func (d *document) match(path, value string) session.Match {
	d.checkOneOf(path, value, "off", string(session.MatchDigits))
	if value == "off" {
		return session.MatchNothing
	}
	return session.Match(value)
}

// consent checks what the things that can be odd about a login lead to.
func (d *document) consent(path string, c consentConfig) pool.Consent {
	for key, value := range map[string]string{
		"other_network": c.OtherNetwork, "other_country": c.OtherCountry, "new_browser": c.NewBrowser,
		"many_codes": c.ManyCodes, "old_request": c.OldRequest,
	} {
		d.checkOneOf(join(path, key), value, string(pool.OK), string(pool.Careful), string(pool.Block))
	}
	if c.ManyCodesFrom < 1 || c.ManyCodesFrom > mostManyCodes {
		d.refuse(join(path, "many_codes_from"), fmt.Sprintf("must be from 1 to %d", mostManyCodes))
	}
	d.checkDuration(join(path, "old_after"), c.OldAfter, time.Second, maxOldAfter)
	return pool.Consent{
		OtherNetwork: pool.Verdict(c.OtherNetwork), OtherCountry: pool.Verdict(c.OtherCountry), NewBrowser: pool.Verdict(c.NewBrowser),
		ManyCodes: pool.Verdict(c.ManyCodes), ManyCodesFrom: c.ManyCodesFrom,
		OldRequest: pool.Verdict(c.OldRequest), OldAfter: c.OldAfter,
	}
}
