//go:build !unix

package process

import "errors"

var errNoSignals = errors.New("freezing a program needs Unix signals")

// Freeze stops the program where the system has a signal for that.
func (p *Process) Freeze() error { return errNoSignals }

// Thaw ends what Freeze began.
func (p *Process) Thaw() error { return errNoSignals }
