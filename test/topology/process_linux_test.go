package topology

import "syscall"

// endsWithUs makes the kernel end a process when the test process dies,
// whatever it dies of. SIGTERM, because nginx has to end its workers.
func endsWithUs() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
