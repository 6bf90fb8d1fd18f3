package config

import (
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// Client configures an application that logs users of a pool in with OpenID Connect. The
// fields are those of pool.Client.
type Client struct {
	ID                     string        `key:"id" required:"true" check:"id" help:"Id of an application that uses OpenID Connect or OAuth 2.0, 1 to 64 letters, digits, '-', '_', '.'. It is also an app id of the pool. Needs 'signing_key'; the issuer is '<public_url>/oidc/<id of the pool>'."`
	Name                   string        `key:"name" absent:"the id" check:"name" help:"Name on the authorization page, at most 64 characters."`
	Logo                   string        `key:"logo" type:"address" absent:"none" check:"webAddress" help:"Address of the picture of the client on the authorization page."`
	Secret                 Secret        `key:"secret" absent:"public client" min:"24" help:"Authenticates the client at the token endpoint; at least 24 bytes. 'scanlogin secret' prints one. Without 'secret' and 'secrets' the client is public: a page, or an app on the device of the user."`
	Secrets                []Secret      `key:"secrets" absent:"—" min:"24" help:"Replaces 'secret' during a rotation: all are accepted."`
	RedirectURIs           []string      `key:"redirect_uris" absent:"none" check:"redirectURI" help:"Addresses to which users return, compared character by character: 'https', 'http' on a loopback address, or for public clients a scheme of the app such as 'com.example.app:/callback'. For public clients the port of a loopback address may differ (RFC 8252)."`
	PostLogoutRedirectURIs []string      `key:"post_logout_redirect_uris" absent:"none" check:"redirectURI" help:"Addresses to which users may return from 'session/end', compared character by character."`
	Scopes                 []string      `key:"scopes" default:"openid, profile, email, phone" check:"scope" help:"Scopes that the client may be granted: 'openid', 'profile', 'email', 'phone', 'offline_access'. Others that it requests are ignored."`
	RequirePKCE            bool          `key:"require_pkce" default:"true" help:"Authorization requests need a 'code_challenge' (RFC 7636, S256). 'false' only for confidential clients that do not support it."`
	Device                 bool          `key:"device" default:"false" help:"The client may use the device authorization grant (RFC 8628), for devices without a browser. Needs 'typed_codes' of the pool."`
	DeviceCodeTTL          time.Duration `key:"device_code_ttl" default:"10m" min:"1m" max:"1h" help:"Time from the request of a device until its codes expire."`
	DeviceWithoutMatch     bool          `key:"device_without_match" default:"false" help:"Devices may log in without the number that 'match: digits' of the pool requires: a device shows none. Needed for 'device' in such a pool."`
	CodeTTL                time.Duration `key:"code_ttl" default:"60s" min:"1s" max:"10m" help:"Time from confirm to the exchange of the authorization code; at most 'ticket_ttl' of the pool, which applies if the default is longer."`
	AccessTokenTTL         time.Duration `key:"access_token_ttl" default:"10m" min:"1s" max:"24h" help:"Lifetime of an access token."`
	IDTokenTTL             time.Duration `key:"id_token_ttl" default:"10m" min:"1s" max:"24h" help:"Lifetime of an ID token."`
	RefreshTokenTTL        time.Duration `key:"refresh_token_ttl" default:"720h" min:"1m" max:"8760h" help:"Time from a login until its refresh tokens end, however often they are used."`
}

// privateScheme is a scheme that belongs to an app: a domain name in reverse order, so that it
// contains a period (RFC 8252, 7.1).
var privateScheme = regexp.MustCompile(`^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+$`)

// checkRedirectURI accepts an absolute address without fragment to which codes may go.
func checkRedirectURI(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme == "" || strings.ContainsFunc(text, isNoURICharacter):
		return errors.New("must be an absolute address in ASCII, such as https://app.example.com/callback; no patterns")
	case strings.Contains(text, "#"):
		return errors.New("must not have a fragment; remove the # and what follows it")
	case u.User != nil:
		return errors.New("must not have a user before the host; remove it")
	case privateScheme.MatchString(u.Scheme):
		return nil
	case u.Scheme != "https" && !pool.IsLoopback(text):
		return errors.New("must be https, http on 127.0.0.1, [::1] or localhost, or for a public client a scheme of its app with a period, such as com.example.app:/callback")
	}
	if _, err := ParseOrigin(u.Scheme + "://" + u.Host); err != nil {
		return err
	}
	return nil
}

// isNoURICharacter reports whether RFC 3986 excludes r, or r would be a pattern elsewhere.
func isNoURICharacter(r rune) bool {
	return r <= ' ' || r > '~' || strings.ContainsRune("\"<>\\^`{|}*", r)
}

func checkScope(text string) error {
	if !slices.Contains(pool.Scopes(), text) {
		return errors.New("must be one of " + strings.Join(pool.Scopes(), ", "))
	}
	return nil
}

// buildClients builds the clients of a pool.
func (d *document) buildClients(at string, p Pool) (clients []*pool.Client) {
	for i, v := range p.Clients {
		c := new(pool.Client)
		copyFields(reflect.ValueOf(c).Elem(), reflect.ValueOf(v))
		c.CodeTTL = min(c.CodeTTL, p.TicketTTL) // the default may exceed it
		if c.Name == "" {
			c.Name = v.ID
		}
		if values := d.oneOrSeveral(fmt.Sprintf("%s[%d].secret", at, i), v.Secret, v.Secrets); len(values) > 0 {
			c.Secret = newPoolSecret(values)
		}
		clients = append(clients, c)
	}
	return clients
}

// reservedPoolIDs are the first segments of the endpoints below <public_url>/oidc/, and those
// that browsers remove from a path.
var reservedPoolIDs = []string{".", "..", "auth", "token", "me", "device", "session", ".well-known"}

// validateClients validates what the settings of clients mean together.
func (d *document) validateClients() {
	for i, p := range d.values.Pools {
		if len(p.Clients) == 0 {
			continue
		}
		at := fmt.Sprintf("pools[%d]", i)
		if slices.Contains(reservedPoolIDs, p.ID) {
			d.refuse(at+".id", "cannot be used with clients: <public_url>/oidc/"+p.ID+" has another meaning; choose another id")
		}
		if d.values.SigningKey == "" && len(d.values.SigningKeys) == 0 {
			d.refuse(at+".clients", "need signing_key, which signs their tokens; `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256` makes one")
		}
		for j, c := range p.Clients {
			d.validateClient(fmt.Sprintf("%s.clients[%d]", at, j), p, c)
		}
	}
}

func (d *document) validateClient(at string, p Pool, c Client) {
	isPublic := c.Secret == "" && len(c.Secrets) == 0 && !d.given(at+".secret")
	if isPublic && !c.RequirePKCE {
		d.refuse(at+".require_pkce", "must be true for a public client: without a secret, only the verifier proves who requested a code; add a secret, or remove this")
	}
	if c.CodeTTL > p.TicketTTL && d.given(at+".code_ttl") {
		d.refuse(at+".code_ttl", "must be at most ticket_ttl of the pool, "+shortDuration(p.TicketTTL))
	}
	if len(c.RedirectURIs) == 0 && !c.Device {
		d.refuse(at+".redirect_uris", "is required: at least one address to which users return")
	}
	d.validateDevice(at, p, c)
	if len(c.Scopes) == 0 {
		d.refuse(at+".scopes", "is empty; write at least openid, or remove it")
	}
	for name, list := range map[string][]string{"redirect_uris": c.RedirectURIs, "post_logout_redirect_uris": c.PostLogoutRedirectURIs, "scopes": c.Scopes} {
		for k, text := range list {
			path := fmt.Sprintf("%s.%s[%d]", at, name, k)
			switch scheme, _, _ := strings.Cut(text, ":"); {
			case slices.Contains(list[:k], text):
				d.refuse(path, "is a duplicate; remove one")
			case name != "scopes" && !isPublic && privateScheme.MatchString(scheme):
				d.refuse(path, "has a scheme of an app, which cannot keep the secret of this client; use https, or remove secret")
			}
		}
	}
}

// minDeviceTicketTTL is the least time from confirm to the exchange that a device with one slow_down
// needs: it polls every ten seconds.
const minDeviceTicketTTL = 15 * time.Second

// validateDevice validates what a client with the device authorization grant needs of its pool.
func (d *document) validateDevice(at string, p Pool, c Client) {
	switch {
	case !c.Device && c.DeviceWithoutMatch:
		d.refuse(at+".device_without_match", "has no effect without device: true; remove it, or set device")
	case !c.Device:
	case !p.TypedCodes:
		d.refuse(at+".device", "needs typed_codes: true of the pool: users type the code that the device shows")
	case p.Match == string(session.MatchDigits) && !c.DeviceWithoutMatch:
		d.refuse(at+".device", "cannot be used with match: digits of the pool: a device shows no number; set device_without_match: true to let its devices log in without one")
	case p.TicketTTL < minDeviceTicketTTL:
		d.refuse(at+".device", "needs ticket_ttl of the pool to be at least "+shortDuration(minDeviceTicketTTL)+": a device asks only every few seconds whether the user agreed")
	}
}
