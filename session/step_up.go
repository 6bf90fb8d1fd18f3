package session

import (
	"slices"
	"strings"
	"time"
)

// StepUp is what the user's login to the app must show for a confirm (RFC 9470). Each
// requirement is optional; the zero StepUp requires nothing.
type StepUp struct {
	MaxAge    time.Duration `json:"maxAge,omitempty"`    // since the user logged in; 0: any
	ACRValues []string      `json:"acrValues,omitempty"` // acr must be one of them
	AMR       []string      `json:"amr,omitempty"`       // one of them must be in amr
}

// IsACRValue reports whether text can be one of ACRValues: 1 to 255 visible ASCII characters
// without quotes and backslashes. So a list fits into a header and into an authorization request,
// where spaces separate the values.
func IsACRValue(text string) bool {
	return isClaimText(text, maxACRBytes) && !strings.ContainsAny(text, ` "\\`)
}

// IsMethod reports whether text can be one of AMR: 1 to 64 visible ASCII characters and spaces.
func IsMethod(text string) bool { return isClaimText(text, maxAMRBytes) }

// MinMaxAge is the least MaxAge: users need that long to log in and confirm.
const MinMaxAge = 30 * time.Second

// IsZero reports whether r requires nothing.
func (r StepUp) IsZero() bool { return r.MaxAge == 0 && len(r.ACRValues) == 0 && len(r.AMR) == 0 }

// IsMetBy reports whether a meets r at now. What a does not state meets no requirement.
func (r StepUp) IsMetBy(a Auth, now time.Time) bool {
	a = a.At(now)
	switch {
	case r.MaxAge > 0 && (a.Time == 0 || now.Sub(time.Unix(a.Time, 0)) > r.MaxAge):
		return false
	case len(r.ACRValues) > 0 && !slices.Contains(r.ACRValues, a.ACR):
		return false
	case len(r.AMR) > 0 && !slices.ContainsFunc(r.AMR, func(m string) bool { return slices.Contains(a.AMR, m) }):
		return false
	}
	return true
}

// Tightened returns the requirement of a pool for a code that asks for more: the smaller max
// age, of which by counts as at least MinMaxAge, and the values of acr that both accept, in the
// order of by. It is never less than r. A pool that requires nothing does so for every code. To
// ask for the age 0, as OpenID Connect allows, set by.MaxAge to MinMaxAge. by.AMR is ignored.
//
// unmet is true if no acr is accepted by both: then no login meets the result, which has the
// values of by.
func (r StepUp) Tightened(by StepUp) (_ StepUp, unmet bool) {
	if r.IsZero() {
		return r, false
	}
	if by.MaxAge > 0 {
		by.MaxAge = max(by.MaxAge, MinMaxAge)
		if r.MaxAge == 0 || by.MaxAge < r.MaxAge {
			r.MaxAge = by.MaxAge
		}
	}
	if len(by.ACRValues) == 0 {
		return r, false
	}
	both := slices.Clone(by.ACRValues)
	if len(r.ACRValues) > 0 {
		both = slices.DeleteFunc(both, func(acr string) bool { return !slices.Contains(r.ACRValues, acr) })
	}
	if len(both) == 0 {
		r.ACRValues = by.ACRValues
		return r, true
	}
	r.ACRValues = both
	return r, false
}
