// Package risk assesses a login for the user who is asked to consent to it: signals, the
// verdict that a pool's rules draw from them, and the cool-down after repeated cancels.
//
// It guarantees that nothing follows from a signal that is unknown, and that stored keys
// contain pseudonyms only. What the storage does not answer is unknown.
package risk

import (
	"net/netip"
	"time"

	"github.com/scanlogin/scanlogin/internal/ipaddr"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// Signals are the known facts about a login at one moment. Unknown ones are nil.
type Signals struct {
	Age          int   // seconds since the page requested the code
	SameNetwork  *bool // phone and page have one public address, or one IPv6 /64
	SameCountry  *bool // by these addresses
	KnownBrowser *bool // the user has confirmed for this browser before
	RecentCodes  *int  // requested by the page's address
}

// Reason names a signal with a consequence. The names are part of the API.
type Reason string

const (
	OtherCountry Reason = "other_country" // the page is in another country than the phone
	ManyCodes    Reason = "many_codes"    // the page's address requested many codes recently
	NewBrowser   Reason = "new_browser"   // the user has not confirmed for this browser before
	OtherNetwork Reason = "other_network" // the page is on another network than the phone
	OldRequest   Reason = "old_request"   // the page requested the code some time ago
)

// Verdict returns the most severe consequence that a pool's rules draw from signals, and
// the reasons that are not OK.
func Verdict(s Signals, rules pool.Consent) (v pool.Verdict, reasons []Reason) {
	isNot := func(signal *bool) bool { return signal != nil && !*signal }
	v = pool.OK
	for _, row := range [...]struct {
		holds   bool
		leadsTo pool.Verdict
		reason  Reason
	}{
		{isNot(s.SameCountry), rules.OtherCountry, OtherCountry},
		{s.RecentCodes != nil && *s.RecentCodes >= rules.ManyCodesFrom, rules.ManyCodes, ManyCodes},
		{isNot(s.KnownBrowser), rules.NewBrowser, NewBrowser},
		{isNot(s.SameNetwork), rules.OtherNetwork, OtherNetwork},
		{s.Age >= wholeSeconds(rules.OldAfter), rules.OldRequest, OldRequest},
	} {
		if !row.holds || row.leadsTo != pool.Careful && row.leadsTo != pool.Block {
			continue
		}
		reasons = append(reasons, row.reason)
		if v != pool.Block {
			v = row.leadsTo
		}
	}
	return v, reasons
}

// Country returns the country of an address (ISO 3166-1, two letters); "" if it is unknown.
type Country func(netip.Addr) string

// SignalsOf returns the signals of a code whose user is asked at now, on a phone at address
// (zero: unknown).
func SignalsOf(code session.Session, known Known, phone netip.Addr, now time.Time, country Country) Signals {
	page, _ := netip.ParseAddr(code.Client.IP)
	s := Signals{
		Age:         max(0, wholeSeconds(now.Sub(code.CreatedAt))),
		SameNetwork: ipaddr.SameNetwork(page, phone), KnownBrowser: known.Browser, RecentCodes: known.RecentCodes,
	}
	here, there := country(page), country(phone)
	if here != "" && there != "" {
		same := here == there
		s.SameCountry = &same
	}
	return s
}

func wholeSeconds(d time.Duration) int { return int(d.Round(time.Second) / time.Second) }
