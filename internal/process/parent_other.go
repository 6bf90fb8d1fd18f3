//go:build !linux

package process

import "syscall"

// whenParentDies has no equivalent on this system: children outlive a parent
// that is killed.
func whenParentDies(syscall.Signal) *syscall.SysProcAttr { return nil }
