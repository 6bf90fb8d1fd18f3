package process

import "syscall"

// diesWithUs makes the kernel kill a process when we die, whatever of.
func diesWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
