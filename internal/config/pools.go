package main

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/scanlogin/scanlogin/internal/identity"
	"github.com/scanlogin/scanlogin/internal/pool"
)

const (
	maxNameRunes  = 64
	maxLinkBytes  = 512 // more would make a picture that phones read badly
	minTTL        = time.Second
	maxCodeTTL    = 10 * time.Minute
	maxConfirmTTL = 10 * time.Minute
	maxTicketTTL  = time.Hour
	mostCodes     = 100

	maxKnownBrowserTTL = 365 * 24 * time.Hour
)

// poolID is what a pool or app id looks like: it must fit in a header, in an
// address, and before the colon of HTTP Basic.
var poolID = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

func (d *document) pools() []*pool.Pool {
	d.checkUnique()
	pools := make([]*pool.Pool, len(d.config.Pools))
	for i, c := range d.config.Pools {
		at := fmt.Sprintf("pools[%d]", i)
		d.checkPool(at, c)
		pools[i] = &pool.Pool{
			ID:                   c.ID,
			Name:                 cmp.Or(c.Name, c.ID),
			Logo:                 c.Logo,
			AppIDs:               c.AppIDs,
			Secret:               d.secret(at+".secret", c),
			Origins:              d.origins(at+".origins", c.Origins),
			Identity:             d.identity(at+".identity", c.Identity),
			Vouching:             c.Vouching,
			CodeTTL:              c.CodeTTL,
			ConfirmTTL:           c.ConfirmTTL,
			TicketTTL:            c.TicketTTL,
			MaxCodes:             c.MaxCodes,
			PayloadFormat:        pool.PayloadFormat(c.PayloadFormat),
			AppLink:              c.AppLink,
			Webhook:              d.webhook(at+".webhook", c.Webhook),
			ReturnFullUserInfo:   c.ReturnFullUserInfo,
			AllowBrowserExchange: c.AllowBrowserExchange,
			BindBrowser:          c.BindBrowser,
			Match:                d.match(at+".match", c.Match),
			RequirePKCE:          c.RequirePKCE,
			Consent:              d.consent(at+".consent", c.Consent),
			KnownBrowserTTL:      c.KnownBrowserTTL,
			Limits:               pool.Limits(c.Limits),
		}
	}
	return pools
}

// checkUnique refuses ids that two pools, and app ids that two places, have.
func (d *document) checkUnique() {
	ids, apps := map[string]string{}, map[string]string{}
	claim := func(taken map[string]string, id, path string) {
		if first, ok := taken[id]; ok && id != "" {
			d.refuse(path, fmt.Sprintf("is taken: %s in line %d has the same; each must be unique", first, d.place(first).line))
			return
		}
		taken[id] = path
	}
	for i, c := range d.config.Pools {
		claim(ids, c.ID, fmt.Sprintf("pools[%d].id", i))
		for j, app := range c.AppIDs {
			claim(apps, app, fmt.Sprintf("pools[%d].app_ids[%d]", i, j))
		}
	}
}

func (d *document) checkPool(at string, c poolConfig) {
	const badID = "must be 1 to 64 letters, digits and - _ ."
	if !poolID.MatchString(c.ID) {
		d.refuse(at+".id", badID)
	}
	for i, app := range c.AppIDs {
		if !poolID.MatchString(app) {
			d.refuse(fmt.Sprintf("%s.app_ids[%d]", at, i), badID)
		}
	}
	if utf8.RuneCountInString(c.Name) > maxNameRunes || strings.ContainsFunc(c.Name, unicode.IsControl) {
		d.refuse(at+".name", fmt.Sprintf("must be at most %d characters in one line", maxNameRunes))
	}
	if c.Logo != "" && !isWebAddress(c.Logo) {
		d.refuse(at+".logo", "must be an address, such as https://www.example.com/logo.png")
	}
	d.checkOneOf(at+".payload_format", c.PayloadFormat, string(pool.PayloadJSON), string(pool.PayloadURL))
	d.checkAppLink(at+".app_link", c.AppLink)
	d.checkDuration(at+".code_ttl", c.CodeTTL, minTTL, maxCodeTTL)
	d.checkDuration(at+".confirm_ttl", c.ConfirmTTL, minTTL, maxConfirmTTL)
	d.checkDuration(at+".ticket_ttl", c.TicketTTL, minTTL, maxTicketTTL)
	d.checkDuration(at+".known_browser_ttl", c.KnownBrowserTTL, 0, maxKnownBrowserTTL)
	d.checkLimits(at+".limits", c.Limits)
	if c.MaxCodes < 1 || c.MaxCodes > mostCodes {
		d.refuse(at+".max_codes", fmt.Sprintf("must be from 1 to %d", mostCodes))
	}
}

// secret checks a pool's secrets and derives their keys.
func (d *document) secret(path string, c poolConfig) pool.Secret {
	values := d.several(path, c.Secret, c.Secrets)
	if len(values) == 0 {
		d.refuse(path, "is required. `scanlogin secret` prints a good one")
		return pool.Secret{}
	}
	texts := make([]string, len(values))
	for i, value := range values {
		at := path
		if d.given(path + "s") {
			at = fmt.Sprintf("%ss[%d]", path, i)
		}
		if len(value) < pool.MinSecretBytes {
			d.refuse(at, fmt.Sprintf("must have at least %d bytes; `scanlogin secret` prints a good one", pool.MinSecretBytes))
		}
		texts[i] = string(value)
	}
	return pool.NewSecret(texts[0], texts[1:]...)
}

func (d *document) checkAppLink(path, link string) {
	if link == "" {
		return
	}
	notASCII := strings.ContainsFunc(link, func(r rune) bool { return r <= ' ' || r > '~' })
	switch scheme, _, ok := strings.Cut(link, ":"); {
	case !strings.Contains(link, pool.RandomInLink):
		d.refuse(path, "must contain "+pool.RandomInLink+", where the code's name goes")
	case !ok || scheme == "" || notASCII || len(link) > maxLinkBytes:
		d.refuse(path, fmt.Sprintf("must be an address of at most %d ASCII characters, such as myapp://login?code={random}", maxLinkBytes))
	}
}

// isWebAddress reports whether text is what a page can load a picture from.
func isWebAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}

func (d *document) origins(path string, list []string) []string {
	origins := make([]string, 0, len(list))
	for i, text := range list {
		origin, err := parseOrigin(text)
		if err != nil {
			d.refuse(fmt.Sprintf("%s[%d]", path, i), err.Error())
		}
		if !slices.Contains(origins, origin) {
			origins = append(origins, origin)
		}
	}
	return origins
}

// identity builds what tells a pool's users, nil where only vouching does.
func (d *document) identity(path string, c *identityConfig) identity.Identity {
	switch {
	case d.refused(path):
		return nil // what is known of the reason is enough
	case c == nil && !d.given(path):
		return nil
	case c == nil || c.JWT == nil && c.Userinfo == nil:
		d.refuse(path, "needs jwt or userinfo; without both, remove it")
		return nil
	case c.JWT != nil && c.Userinfo != nil:
		d.refuse(path, "has jwt and userinfo; remove one")
		return nil
	case c.Userinfo != nil:
		path += ".userinfo"
		users, err := identity.NewUserinfo(identity.UserinfoConfig{URL: c.Userinfo.URL, Claims: identity.Claims(c.Userinfo.Claims)})
		return d.orRefuse(path, users, err)
	default:
		path += ".jwt"
		users, err := identity.NewJWT(c.JWT.identity())
		return d.orRefuse(path, users, err)
	}
}

func (c *jwtConfig) identity() identity.JWTConfig {
	return identity.JWTConfig{
		HS256Secret: identity.Secret(c.HS256Secret),
		PublicKey:   string(c.PublicKey),
		JWKSURL:     c.JWKSURL,
		Issuer:      c.Issuer,
		Audience:    c.Audience,
		Claims:      identity.Claims(c.Claims),
	}
}

// orRefuse returns users, or notes err, which begins with the name of the field
// if it is about one.
func (d *document) orRefuse(path string, users identity.Identity, err error) identity.Identity {
	if err == nil {
		return users
	}
	field, text, _ := strings.Cut(err.Error(), ": ")
	if d.given(join(path, field)) {
		d.refuse(join(path, field), text)
	} else {
		d.refuse(path, strings.TrimPrefix(err.Error(), "jwt: "))
	}
	return nil
}

// refused reports whether a problem was noted with path or what is in it.
func (d *document) refused(path string) bool {
	return slices.ContainsFunc(d.problems, func(p problem) bool {
		return p.path == path || strings.HasPrefix(p.path, path+".")
	})
}
