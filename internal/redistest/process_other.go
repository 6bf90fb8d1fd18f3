//go:build !linux

package redistest

import "syscall"

// diesWithUs has no equal here: a test process that is killed leaves its
// server behind.
func diesWithUs() *syscall.SysProcAttr { return nil }
