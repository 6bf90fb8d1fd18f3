// Package pool holds the user pools: one tenant each, with its own users,
// secret, origins and settings. A pool is never changed in place; a [Book]
// swaps all of them at once, so that a request sees one state of the settings
// from beginning to end.
package pool

import (
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/session"
)

// PayloadFormat is what the picture's text looks like.
type PayloadFormat string

const (
	PayloadJSON PayloadFormat = "json" // one line of JSON, as the SDKs read it
	PayloadURL  PayloadFormat = "url"  // an address that a phone's own camera opens
)

// Pool is one tenant's settings.
type Pool struct {
	ID     string
	Name   string   // shown on the phone
	Logo   string   // address of a picture; may be empty
	AppIDs []string // further names of the pool, from the SDKs' `appId`
	Secret Secret   // proves the site's back end; several values while it is rotated

	Origins []string // where login pages live: scheme://host[:port], lower case

	Identity identity.Identity // tells the phone's users; nil: only vouching
	Vouching bool              // beside an Identity, the app's back end may vouch

	CodeTTL    time.Duration // a code that nobody scans
	ConfirmTTL time.Duration // at least, from scan to decision
	TicketTTL  time.Duration // from confirm to exchange
	MaxCodes   int           // codes a page gets before it must ask the person

	PayloadFormat PayloadFormat
	AppLink       string // address with RandomInLink in it that opens the app; may be empty

	Webhook *Webhook // where transitions are told; nil: nowhere

	ReturnFullUserInfo   bool // `check` gives the browser the whole user
	AllowBrowserExchange bool // the browser itself may exchange the ticket
	BindBrowser          bool // ticket and user only for the browser that asked for the code

	Match           session.Match // how a phone shows that its user sees the page
	RequirePKCE     bool          // no code without a challenge for its ticket
	Consent         Consent       // what makes a login one to be careful with
	Limits          Limits        // in the place of the server's
	KnownBrowserTTL time.Duration // how long a user's browser is remembered; 0: none is
}

// Limits are a pool's own; zero is the server's.
type Limits struct {
	CodesPerAddress int // codes that one address may have open
	CodesPerPool    int // … the pool
	UserRate        int // the phone's calls a second of one user
}

// Defaults of the contract.
const (
	DefaultCodeTTL    = 120 * time.Second
	DefaultConfirmTTL = 60 * time.Second
	DefaultTicketTTL  = 300 * time.Second
	DefaultMaxCodes   = 6

	DefaultKnownBrowserTTL = 90 * 24 * time.Hour
)

// RandomInLink stands in an AppLink where the code's id goes.
const RandomInLink = "{random}"

// AllowsOrigin reports whether pages of origin may use the pool.
func (p *Pool) AllowsOrigin(origin string) bool {
	return slices.Contains(p.Origins, origin)
}

// AllowsVouching reports whether the app's back end may name the user itself.
func (p *Pool) AllowsVouching() bool {
	return p.Vouching || p.Identity == nil
}
