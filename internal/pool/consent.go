package pool

import (
	"slices"
	"time"
)

// Verdict is the result of a consent rule.
type Verdict string

const (
	OK      Verdict = "ok"      // no effect; "" is the same
	Careful Verdict = "careful" // the phone warns its user
	Block   Verdict = "block"   // confirm is refused
)

// Consent maps each risk signal of a login to a verdict.
type Consent struct {
	OtherNetwork Verdict // phone and page have different public addresses
	OtherCountry Verdict // the addresses are in different countries
	NewBrowser   Verdict // the user has not confirmed a login in this browser before
	ManyCodes    Verdict // the page's address requested many codes recently

	ManyCodesFrom int // threshold of ManyCodes

	OldRequest Verdict       // the page requested the code long ago
	OldAfter   time.Duration // threshold of OldRequest
}

// CanBlock reports whether a signal has the verdict Block.
func (c Consent) CanBlock() bool {
	return slices.Contains([]Verdict{c.OtherNetwork, c.OtherCountry, c.NewBrowser, c.ManyCodes, c.OldRequest}, Block)
}

// DefaultConsent returns rules that warn of signals which are rare in legitimate logins and
// block nothing. Phones are often on a different network than the page, and every browser is
// new once.
func DefaultConsent() Consent {
	return Consent{
		OtherNetwork: OK, OtherCountry: Careful, NewBrowser: OK, ManyCodes: Careful, OldRequest: OK,
		ManyCodesFrom: 100, OldAfter: time.Minute,
	}
}
