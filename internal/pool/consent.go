package pool

import (
	"slices"
	"time"
)

// Verdict is what something about a login comes to.
type Verdict string

const (
	OK      Verdict = "ok"      // nothing to say; so is ""
	Careful Verdict = "careful" // the phone warns its user
	Block   Verdict = "block"   // confirm is refused
)

// Consent says what each thing that can be odd about a login leads to.
type Consent struct {
	OtherNetwork Verdict // phone and page have different public addresses
	OtherCountry Verdict // … and these are in different countries
	NewBrowser   Verdict // the user has never confirmed for this browser
	ManyCodes    Verdict // the page's address asked for many codes lately

	ManyCodesFrom int // how many codes are many

	OldRequest Verdict       // the page asked long ago
	OldAfter   time.Duration // how long ago is long
}

// CanBlock reports whether anything leads to Block.
func (c Consent) CanBlock() bool {
	return slices.Contains([]Verdict{c.OtherNetwork, c.OtherCountry, c.NewBrowser, c.ManyCodes, c.OldRequest}, Block)
}

// DefaultConsent warns of what is rare for honest people, and blocks nothing:
// phones are often on another network than the page, and every browser is new
// once.
func DefaultConsent() Consent {
	return Consent{
		OtherNetwork: OK, OtherCountry: Careful, NewBrowser: OK, ManyCodes: Careful, OldRequest: OK,
		ManyCodesFrom: 100, OldAfter: time.Minute,
	}
}
