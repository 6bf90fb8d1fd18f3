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
		return s.linkPrefix() + string(code.ID), nil
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

func (s *Service) linkPrefix() string { return s.publicURL + "/s/" }

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

// readCode returns the id of the code that a phone names: by its id, or by the whole text of
// its picture in any format. The error is session.ErrNotFound.
func (s *Service) readCode(text string) (session.ID, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(text, "{") {
		var in struct {
			Random string `json:"random"`
		}
		if json.Unmarshal([]byte(text), &in) != nil {
			return "", session.ErrNotFound
		}
		return session.ParseID(in.Random)
	}
	if id, err := session.ParseID(text); err == nil {
		return id, nil
	}
	for _, p := range s.pools.All() {
		if id, ok := idInLink(text, p.AppLink); ok {
			return id, nil
		}
	}
	if rest, ok := strings.CutPrefix(text, s.linkPrefix()); ok {
		return session.ParseID(untilQuery(rest))
	}
	return "", session.ErrNotFound
}

// idInLink returns the code that text names if it is an app link with a code.
func idInLink(text, link string) (session.ID, bool) {
	before, after, ok := strings.Cut(link, pool.RandomInLink)
	rest, begins := strings.CutPrefix(text, before)
	if !ok || !begins || len(rest) < session.IDLength || !strings.HasPrefix(rest[session.IDLength:], after) {
		return "", false
	}
	id, err := session.ParseID(rest[:session.IDLength])
	return id, err == nil
}

// untilQuery removes what phones and messengers append to an address.
func untilQuery(text string) string {
	if i := strings.IndexAny(text, "/?#"); i >= 0 {
		return text[:i]
	}
	return text
}
