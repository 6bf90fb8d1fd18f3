package oidc

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/scanlogin/scanlogin/internal/login"
	"github.com/scanlogin/scanlogin/internal/pool"
	"github.com/scanlogin/scanlogin/session"
)

// maxACRValues bounds what each code of a request stores of acr_values, in bytes: a few URNs.
const maxACRValues = 1024

// readStepUp reads max_age and acr_values, by which a client asks for more than the pool requires
// (RFC 9470, 4). If the pool requires nothing, each age is satisfied by the confirm, and acr_values,
// a voluntary claim, is ignored (OIDC Core 3.1.2.1).
func readStepUp(form params, of *pool.Pool, a *login.Authorization) error {
	if text := form["max_age"]; text != "" {
		age, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return errInvalidRequest.because("max_age must be a number of seconds, at most 2147483647")
		}
		a.StepUp.MaxAge = max(time.Duration(age)*time.Second, session.MinMaxAge)
	}
	wanted := strings.Fields(form["acr_values"])
	if of.StepUp.IsZero() || len(wanted) == 0 {
		return nil
	}
	if len(form["acr_values"]) > maxACRValues {
		return errInvalidRequest.because("acr_values is too long")
	}
	wanted = slices.DeleteFunc(wanted, func(acr string) bool { return !session.IsACRValue(acr) })
	needed, unmet := of.StepUp.Tightened(session.StepUp{ACRValues: wanted})
	if unmet || len(wanted) == 0 {
		return errUnmet
	}
	a.StepUp.ACRValues = needed.ACRValues
	return nil
}
