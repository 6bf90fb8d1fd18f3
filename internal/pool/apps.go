package pool

import "strings"

// DefaultBrandColor is the green of the pages of pools that have no color of their own.
const DefaultBrandColor = "#0b6e4f"

// Apps are the apps that may open the links of a pool, and that share its saved passwords.
type Apps struct {
	IOS     []string // application identifiers: <team id>.<bundle id>
	Android []AndroidApp
}

// AndroidApp is an app by its package and the certificates that sign it.
type AndroidApp struct {
	Package string
	SHA256  []string // fingerprints of certificates: 32 bytes as XX:XX:…, in upper case
}

// Any reports whether there is an app.
func (a Apps) Any() bool { return len(a.IOS)+len(a.Android) > 0 }

// OwnColor returns the color of the pool's pages as #rrggbb in lower case; "" if it is the
// default.
func (p *Pool) OwnColor() string {
	if color := strings.ToLower(p.BrandColor); color != DefaultBrandColor {
		return color
	}
	return ""
}
