//go:build !linux

package redistest

import "syscall"

// killWithParent does nothing on this system: a test process that is killed leaves its
// server running.
func killWithParent() *syscall.SysProcAttr { return nil }
