package webhooks

import "syscall"

// endsWithUs makes the kernel kill a node when the test process dies.
func endsWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
