//go:build unix

package server

import "syscall"

// readable reports whether a read of the non-blocking fd would return at once,
// with bytes, an end or an error.
func readable(fd uintptr) bool {
	var one [1]byte
	_, _, err := syscall.Recvfrom(int(fd), one[:], syscall.MSG_PEEK)
	return err != syscall.EAGAIN
}
