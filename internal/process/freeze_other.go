//go:build !unix

package process

import "errors"

var errNoSignals = errors.New("freezing a process needs Unix signals")

// Freeze always fails: this system cannot suspend a process.
func (p *Process) Freeze() error { return errNoSignals }

// Resume always fails: this system cannot suspend a process.
func (p *Process) Resume() error { return errNoSignals }
