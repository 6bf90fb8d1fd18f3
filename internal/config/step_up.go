package config

import (
	"errors"

	"github.com/scanlogin/scanlogin/session"
)

// buildStepUp builds what a pool requires of its users' logins; nothing for none.
func (d *document) buildStepUp(path string, v *StepUp) session.StepUp {
	var need session.StepUp
	if v != nil {
		need = session.StepUp(*v)
	}
	if need.IsZero() && d.given(path) && !d.refused(path) {
		d.refuse(path, "is empty; give it max_age, acr_values or amr, or remove it")
	}
	return need
}

func checkACR(text string) error {
	if !session.IsACRValue(text) {
		return errors.New("must be 1 to 255 visible ASCII characters without spaces, quotes and backslashes, as in the tokens of the users")
	}
	return nil
}

func checkMethod(text string) error {
	if !session.IsMethod(text) {
		return errors.New("must be 1 to 64 visible ASCII characters, such as otp (RFC 8176), as in the tokens of the users")
	}
	return nil
}
