//go:build unix

package process

import "syscall"

// Freeze stops the program where it stands: its connections stay open and say
// nothing.
func (p *Process) Freeze() error { p.Signal(syscall.SIGSTOP); return nil }

// Thaw ends what Freeze began.
func (p *Process) Thaw() error { p.Signal(syscall.SIGCONT); return nil }
