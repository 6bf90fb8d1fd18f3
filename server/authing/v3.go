package authing

import (
	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
)

// Envelope is the form of every answer of the V3 interface.
type Envelope struct {
	Status    int    `json:"statusCode"` // 200 for a success, else the HTTP status of the v2 interface
	Message   string `json:"message"`
	Code      int    `json:"apiCode,omitempty"` // of an error, as in the v2 interface
	RequestID string `json:"requestId,omitempty"`
	Data      any    `json:"data,omitempty"`
	StepUp    any    `json:"stepUp,omitempty"` // of error 2251, as in the v2 interface
}

// Actions of set-qrcode-status.
const (
	ActionScan    = "SCAN"
	ActionConfirm = "CONFIRM"
	ActionCancel  = "CANCEL"
)

// CodeType is the only type of code that exists here: for the site's own app.
const CodeType = "MOBILE_APP"

// NewCode is what gene-qrcode returns.
type NewCode struct {
	ID        session.ID `json:"qrcodeId"`
	URL       string     `json:"url"` // of the picture
	Logo      string     `json:"customLogoUrl,omitempty"`
	ExpiresIn int        `json:"expiresIn"` // seconds
}

// CodeStatus is what get-qrcode-status returns. It never has a token set: reading must not
// exchange the ticket.
type CodeStatus struct {
	Status string     `json:"status"`
	Ticket string     `json:"ticket,omitempty"`
	User   *BriefUser `json:"briefUserInfo,omitempty"` // after the scan
}

// BriefUser is the part of the user who scanned that every page may show.
type BriefUser struct {
	Name  string `json:"displayName"`
	Photo string `json:"photo"`
}

// statusNames are the names of the statuses.
var statusNames = map[session.Status]string{
	session.Waiting: "PENDING", session.Scanned: "SCANNED", session.Confirmed: "AUTHORIZED", session.Redeemed: "AUTHORIZED",
	session.Canceled: "CANCELLED", session.Expired: "EXPIRED",
}

// NewCodeStatus returns a state as V3 clients receive it.
func NewCodeStatus(in login.State) CodeStatus {
	out := CodeStatus{Status: statusNames[in.Snapshot.Status], Ticket: in.Ticket}
	if in.Snapshot.UserID != "" {
		out.User = &BriefUser{Name: in.Snapshot.Nickname, Photo: in.Snapshot.Photo}
	}
	return out
}
