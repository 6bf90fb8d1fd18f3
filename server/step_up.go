package server

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/session"
)

// stepUpData is what the login of the phone's user must meet (RFC 9470).
type stepUpData struct {
	MaxAge    int      `json:"maxAge,omitempty"` // seconds
	ACRValues []string `json:"acrValues,omitempty"`
	AMR       []string `json:"amr,omitempty"`
}

func stepUpOf(needed *session.StepUp) *stepUpData {
	if needed == nil {
		return nil
	}
	return &stepUpData{MaxAge: int(needed.MaxAge.Seconds()), ACRValues: needed.ACRValues, AMR: needed.AMR}
}

// stepUpEnvelope is the answer to a confirm that needs another login.
type stepUpEnvelope struct {
	envelope
	StepUp *stepUpData `json:"stepUp"`
}

// stepUpIn returns what err says that the login must meet; nil for other errors.
func stepUpIn(err error) *stepUpData {
	if e, ok := errors.AsType[login.StepUpRequired](err); ok {
		return stepUpOf(&e.Needed)
	}
	return nil
}

// challenge is the value of WWW-Authenticate (RFC 9470, 3).
func (d *stepUpData) challenge() string {
	var b strings.Builder
	b.WriteString(`Bearer error="insufficient_user_authentication"`)
	if d.MaxAge > 0 {
		fmt.Fprintf(&b, ", max_age=%d", d.MaxAge)
	}
	safe := slices.DeleteFunc(slices.Clone(d.ACRValues), func(acr string) bool { return !session.IsACRValue(acr) })
	if len(safe) > 0 {
		fmt.Fprintf(&b, `, acr_values="%s"`, strings.Join(safe, " "))
	}
	return b.String()
}
