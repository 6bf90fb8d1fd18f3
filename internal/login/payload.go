package login

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// Scene is the only scene of a code.
const Scene = "APP_AUTH"

// payload is the text of a picture in the json format. The order of the keys is part of the
// API contract.
type payload struct {
	Scene      string          `json:"scene"`
	Random     session.ID      `json:"random"`
	UserPoolID string          `json:"userPoolId"`
	CreatedAt  string          `json:"createdAt"`
	ExpiresIn  int             `json:"expiresIn"` // seconds
	ExpireAt   string          `json:"expireAt"`
	CustomData json.RawMessage `json:"customData"`
}

// pictureText returns the text in the picture of a new code, which never changes.
func (s *Service) pictureText(p *pool.Pool, code session.Session) (string, error) {
	if p.PayloadFormat == pool.PayloadURL {
		if p.AppLink != "" {
			return AppLink(p, code.ID), nil
		}
		return s.link(p, code.ID), nil
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false) // custom data stays as long as it was measured
	err := e.Encode(payload{
		Scene: Scene, Random: code.ID, UserPoolID: p.ID,
		CreatedAt: session.FormatTime(code.CreatedAt), ExpireAt: session.FormatTime(code.ExpiresAt),
		ExpiresIn:  WholeSeconds(code.ExpiresAt.Sub(code.CreatedAt)),
		CustomData: json.RawMessage(code.CustomData),
	})
	if err != nil {
		return "", fmt.Errorf("picture text: %w", err)
	}
	return EscapeASCII(bytes.TrimSpace(text.Bytes())), nil
}

// WholeSeconds rounds d to seconds.
func WholeSeconds(d time.Duration) int { return int(d.Round(time.Second) / time.Second) }

// AppLink returns the address that opens the pool's app with a code; "" if it has none.
func AppLink(p *pool.Pool, id session.ID) string {
	return strings.ReplaceAll(p.AppLink, pool.RandomInLink, string(id))
}

// EscapeASCII escapes what is not ASCII in a JSON text, because scanners interpret raw UTF-8
// differently.
func EscapeASCII(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r < 0x10000:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	return b.String()
}

// codeName is how a phone names a code.
type codeName struct {
	id   session.ID
	pool string // by its id, in a link with the pool; "": none is named
}

// isIn reports whether p can be the pool of the code. With another pool, a code is unknown.
func (n codeName) isIn(p *pool.Pool) bool { return n.pool == "" || n.pool == p.ID }

// readCode returns the code that a phone names: by its id, or by the whole text of its
// picture in any format. The error is session.ErrNotFound.
func (s *Service) readCode(text string) (codeName, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		var in struct {
			Random string `json:"random"`
		}
		if json.Unmarshal([]byte(text), &in) != nil {
			return codeName{}, session.ErrNotFound
		}
		return nameByID(in.Random)
	}
	if name, err := nameByID(text); err == nil {
		return name, nil
	}
	for _, p := range s.pools.All() {
		if id, ok := idInLink(text, p.AppLink); ok {
			return codeName{id: id}, nil
		}
	}
	return s.readLink(text)
}

func nameByID(text string) (codeName, error) {
	id, err := session.ParseID(text)
	return codeName{id: id}, err
}

// idInLink returns the code that text names if it is an app link with a code.
func idInLink(text, link string) (session.ID, bool) {
	before, after, ok := strings.Cut(link, pool.RandomInLink)
	rest, begins := strings.CutPrefix(text, before)
	if !ok || !begins || len(rest) < session.IDLength {
		return "", false
	}
	id, err := session.ParseID(rest[:session.IDLength])
	rest = rest[session.IDLength:]
	endsThere := after != "" || rest == "" || !isAlphanumeric(rest[0])
	return id, err == nil && endsThere && strings.HasPrefix(rest, after)
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}
