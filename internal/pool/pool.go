// Package pool contains the user pools (tenants): settings, secrets and what is derived from
// them. A pool is never modified in place. A [Registry] replaces all pools at once, so that
// a request that holds a pool sees consistent settings, and no secret appears in formatted
// output.
package pool

import (
	"slices"
	"time"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/session"
)

// PayloadFormat is the format of the text in the QR code.
type PayloadFormat string

const (
	PayloadJSON PayloadFormat = "json" // one line of JSON, which the SDKs read
	PayloadURL  PayloadFormat = "url"  // an address that a phone's camera app opens
)

// Pool is one tenant with its settings.
type Pool struct {
	ID     string
	Name   string   // shown on the phone
	Logo   string   // address of an image; may be empty
	AppIDs []string // other ids of the pool, from the SDKs' `appId`

	Clients []*Client // applications that use OpenID Connect; their ids are app ids, too

	BrandColor string // of the pages, #rrggbb; "": the default
	Secret     Secret // authenticates the site's back end; several values during a rotation

	Origins []string // origins of login pages: scheme://host[:port], lower case

	Identity identity.Identity // verifies the phone's users; nil: only vouching
	Vouching bool              // the app's back end may also name the user; without Identity it always may

	CodeTTL    time.Duration // until the scan
	ConfirmTTL time.Duration // minimum from scan to decision
	TicketTTL  time.Duration // from confirm to exchange
	MaxCodes   int           // codes that a page creates before it waits for a click

	PayloadFormat PayloadFormat
	AppLink       string // address with RandomInLink that opens the app; may be empty
	Apps          Apps   // that open the links of the pool

	Webhook *Webhook // nil: none

	ReturnFullUserInfo   bool // `check` returns the whole user to the browser
	AllowBrowserExchange bool // the browser may exchange the ticket
	BindBrowser          bool // only the browser that requested the code receives ticket and user

	Match           session.Match // check that the phone's user sees the page
	TypedCodes      bool          // pages may show a code to type, for users who cannot scan
	StepUp          session.StepUp
	RequirePKCE     bool          // refuse codes without a PKCE challenge
	Consent         Consent       // rules for risk signals
	Limits          Limits        // override the server's limits
	KnownBrowserTTL time.Duration // how long a user's browser is remembered; 0: not at all
}

// Limits override the server's limits for a pool; zero means no override.
type Limits struct {
	CodesPerAddress int // open codes per address
	CodesPerPool    int // open codes of the pool
	UserRate        int // phone requests per second and user
}

// Defaults from the API contract.
const (
	DefaultCodeTTL    = 120 * time.Second
	DefaultConfirmTTL = 60 * time.Second
	DefaultTicketTTL  = 300 * time.Second
	DefaultMaxCodes   = 6

	DefaultKnownBrowserTTL = 90 * 24 * time.Hour
)

// RandomInLink is the placeholder for the code's id in an AppLink.
const RandomInLink = "{random}"

// AllowsOrigin reports whether pages of origin may use the pool.
func (p *Pool) AllowsOrigin(origin string) bool {
	return slices.Contains(p.Origins, origin)
}

// AllowsVouching reports whether the app's back end may name the user.
func (p *Pool) AllowsVouching() bool {
	return p.Vouching || p.Identity == nil
}
