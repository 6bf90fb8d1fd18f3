// Package phone reads what a phone gets: login codes as text, and the server's answers to its three
// requests. It guarantees the results in clients/vectors, as the clients in other languages do, and sends nothing.
package phone

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/scanlogin/scanlogin/session"
)

// CodeKind is the form of a login code.
type CodeKind string

// The kinds of codes.
const (
	KindJSON    CodeKind = "json"     // in a picture
	KindID      CodeKind = "id"       // the bare id
	KindTyped   CodeKind = "typed"    // typed by the user
	KindLink    CodeKind = "link"     // a link of the server
	KindAppLink CodeKind = "app-link" // a link of the app
)

// Code is a login code. Having a code is not consent: the user must still decide.
type Code struct {
	Kind   CodeKind
	Random string // sent to the server: the id of the code, or a typed code
	Pool   string // that the text names, not verified; "" if it names none
}

// Pins are the addresses that a phone trusts.
type Pins struct {
	Origins  []string // whose links are login codes, as config.ParseOrigin returns them
	AppLinks []string // with {random}
	Pool     string   // "": codes of every pool
}

// Errors of Parse. A link to another host than the pinned ones is an [UntrustedHostError].
var (
	ErrNotLoginCode = errors.New("not a login code")
	ErrOtherPool    = errors.New("the code belongs to another user pool")
)

// UntrustedHostError is the refusal of a link to a host that is not pinned.
type UntrustedHostError struct{ Host string }

func (e *UntrustedHostError) Error() string {
	return fmt.Sprintf("the code is a link to %q, which is not trusted", e.Host)
}

// maxText is more than a QR code can hold, in bytes.
const maxText = 4096

var (
	oldID     = regexp.MustCompile(`^[0-9a-f]{24}$`) // in the samples of Authing's documentation; never a code of this server
	typedCode = regexp.MustCompile(`^[BCDFGHJKLMNPQRSTVWXZbcdfghjklmnpqrstvwxz]{8}$`)
	poolID    = regexp.MustCompile(`^[0-9A-Za-z._-]{1,64}$`)
	webLink   = regexp.MustCompile(`(?s)^([Hh][Tt][Tt][Pp][Ss]?)://([^/?#]*)(.*)$`)       // (?i) would match letters whose capital is S
	authority = regexp.MustCompile(`^([0-9A-Za-z.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`) // no user, no escapes, no other scripts
)

const randomInLink = "{random}"

// Parse returns the code in a text.
func Parse(text string, pins Pins) (Code, error) {
	text = strings.Trim(text, " \t\r\n")
	if text == "" || len(text) > maxText {
		return Code{}, ErrNotLoginCode
	}
	if strings.HasPrefix(text, "{") {
		return parseJSON(text, pins)
	}
	if isID(text) {
		return Code{Kind: KindID, Random: text}, nil
	}
	code, err := ParseOpened(text, pins)
	if errors.Is(err, errNoLink) {
		return parseTyped(text)
	}
	return code, err
}

// errNoLink is an ErrNotLoginCode for a text that is not a link to the web or the app.
var errNoLink = fmt.Errorf("%w: no link", ErrNotLoginCode)

// ParseOpened is like Parse for an address that was opened: only links are accepted.
func ParseOpened(text string, pins Pins) (Code, error) {
	if len(text) > maxText {
		return Code{}, ErrNotLoginCode
	}
	for _, link := range pins.AppLinks {
		if id, ok := idInAppLink(text, link); ok {
			return Code{Kind: KindAppLink, Random: id}, nil
		}
	}
	parts := webLink.FindStringSubmatch(text)
	if parts == nil {
		return Code{}, errNoLink
	}
	origin, ok := originOf(parts[1], parts[2])
	if !ok || !slices.Contains(pins.Origins, origin) {
		return Code{}, &UntrustedHostError{Host: parts[2]}
	}
	return parsePath(parts[3], pins)
}

func parseJSON(text string, pins Pins) (Code, error) {
	var fields map[string]json.RawMessage // a struct would accept keys in other case
	if json.Unmarshal([]byte(text), &fields) != nil {
		return Code{}, ErrNotLoginCode
	}
	scene, isText := textOr(fields["scene"], "APP_AUTH")
	random, isRandom := textOr(fields["random"], "")
	pool, isPool := textOr(fields["userPoolId"], "")
	if !isText || !isRandom || !isPool || scene != "APP_AUTH" || !isID(random) && !oldID.MatchString(random) {
		return Code{}, ErrNotLoginCode
	}
	return inPool(Code{Kind: KindJSON, Random: random, Pool: pool}, pins)
}

// textOr returns a JSON string, or missing if there is no value; false for other values.
func textOr(value json.RawMessage, missing string) (string, bool) {
	if value == nil {
		return missing, true
	}
	var text *string
	if json.Unmarshal(value, &text) != nil || text == nil {
		return "", false
	}
	return *text, true
}

func parseTyped(text string) (Code, error) {
	letters := strings.NewReplacer(" ", "", "-", "").Replace(text)
	if !typedCode.MatchString(letters) {
		return Code{}, ErrNotLoginCode
	}
	letters = strings.ToUpper(letters)
	return Code{Kind: KindTyped, Random: letters[:4] + "-" + letters[4:]}, nil
}

// parsePath reads /s/<random> or /s/<pool>/<random>. Browsers and messengers append queries and fragments.
func parsePath(rest string, pins Pins) (Code, error) {
	if i := strings.IndexAny(rest, "?#"); i >= 0 {
		rest = rest[:i]
	}
	path, ok := strings.CutPrefix(rest, "/s/")
	if !ok {
		return Code{}, ErrNotLoginCode
	}
	segments := strings.Split(path, "/")
	switch {
	case len(segments) == 2 && isID(segments[1]):
		if !poolID.MatchString(segments[0]) {
			return Code{}, ErrNotLoginCode
		}
		return inPool(Code{Kind: KindLink, Random: segments[1], Pool: segments[0]}, pins)
	case isID(segments[0]):
		return Code{Kind: KindLink, Random: segments[0]}, nil
	}
	return Code{}, ErrNotLoginCode
}

// idInAppLink returns the id in text, if text is link filled in. What follows the link is ignored.
func idInAppLink(text, link string) (string, bool) {
	before, after, ok := strings.Cut(link, randomInLink)
	rest, begins := strings.CutPrefix(text, before)
	if !ok || !begins || len(rest) < session.IDLength || !isID(rest[:session.IDLength]) {
		return "", false
	}
	id, rest := rest[:session.IDLength], rest[session.IDLength:]
	return id, strings.HasPrefix(rest, after) && (after != "" || rest == "" || !isAlphanumeric(rest[0]))
}

func inPool(code Code, pins Pins) (Code, error) {
	if pins.Pool != "" && code.Pool != "" && code.Pool != pins.Pool {
		return Code{}, ErrOtherPool
	}
	return code, nil
}

// originOf returns scheme://host[:port] in lower case and without the default port; false for an unusual host.
func originOf(scheme, text string) (string, bool) {
	parts := authority.FindStringSubmatch(text)
	if parts == nil {
		return "", false
	}
	scheme, port := strings.ToLower(scheme), parts[2]
	if scheme == "https" && port == ":443" || scheme == "http" && port == ":80" {
		port = ""
	}
	return scheme + "://" + strings.ToLower(parts[1]) + port, true
}

func isID(text string) bool {
	_, err := session.ParseID(text)
	return err == nil
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
