package redistest

import "syscall"

// diesWithUs makes the kernel kill the server when the test process dies,
// whatever it dies of.
func diesWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
