//go:build !linux

package webhooks

import "syscall"

func endsWithUs() *syscall.SysProcAttr { return nil }
