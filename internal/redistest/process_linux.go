package redistest

import "syscall"

// killWithParent makes the kernel kill the server when the test process ends, for any
// reason.
func killWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
