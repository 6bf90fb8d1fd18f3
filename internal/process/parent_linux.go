package process

import "syscall"

// whenParentDies makes the kernel send the signal to the child when this
// process dies, for whatever reason.
func whenParentDies(signal syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: signal}
}
