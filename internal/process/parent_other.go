//go:build !linux

package process

import "syscall"

// diesWithUs has no equal here: if we are killed, our processes stay.
func diesWithUs() *syscall.SysProcAttr { return nil }
