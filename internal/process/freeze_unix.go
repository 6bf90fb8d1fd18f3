//go:build unix

package process

import "syscall"

// Freeze suspends the process with SIGSTOP. Its connections stay open and silent.
func (p *Process) Freeze() error { p.Signal(syscall.SIGSTOP); return nil }

// Resume continues a process that Freeze suspended.
func (p *Process) Resume() error { p.Signal(syscall.SIGCONT); return nil }
