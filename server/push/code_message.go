package push

import (
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/server/wire"
	"github.com/scanlogin/scanlogin/session"
)

// codeMessage tells an open socket's page its next code. It is also the code's first status, with
// the fields of wire.Status.
type codeMessage struct {
	Event      string     `json:"event"` // "code"
	Random     session.ID `json:"random"`
	URL        string     `json:"url"`
	Payload    string     `json:"payload"`
	ExpiresIn  int        `json:"expiresIn"` // seconds, of the code's whole life
	BrowserKey string     `json:"browserKey"`
	CustomLogo string     `json:"customLogo,omitempty"`
	BrandColor string     `json:"brandColor,omitempty"` // #rrggbb, unless it is the default
	AppLink    string     `json:"appLink,omitempty"`
	TypedCodes bool       `json:"typedCodes"` // the pool offers typed codes

	Status        int            `json:"status"`
	Version       int64          `json:"version"`
	UserInfo      map[string]any `json:"userInfo"`
	Ticket        *string        `json:"ticket"`
	ScannedUserID *string        `json:"scannedUserId"`
	IsBrowser     bool           `json:"isBrowser"`
}

// codeMessage returns the message for a code that was just created for the socket.
func (k *socket) codeMessage(code login.Created) codeMessage {
	first := wire.NewStatus(login.State{Snapshot: code.Snapshot(), Time: code.CreatedAt, IsBrowser: true})
	return codeMessage{
		Event: "code", Random: code.ID, URL: k.srv.pictureURL(code.ID), Payload: code.Payload,
		ExpiresIn: login.WholeSeconds(k.pool.CodeTTL), BrowserKey: code.BrowserKey,
		CustomLogo: k.pool.Logo, BrandColor: k.pool.OwnColor(), AppLink: login.AppLink(k.pool, code.ID), TypedCodes: k.pool.TypedCodes,
		Status: first.Status, Version: first.Version, UserInfo: first.UserInfo, Ticket: first.Ticket, ScannedUserID: first.ScannedUserID,
		IsBrowser: first.IsBrowser,
	}
}
