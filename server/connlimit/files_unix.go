//go:build unix

package connlimit

import (
	"math"
	"syscall"
)

// openFilesLimit is how many files this process may open (RLIMIT_NOFILE). Go has
// raised it to the hard limit at the start.
func openFilesLimit() int {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return math.MaxInt32
	}
	return int(min(uint64(l.Cur), math.MaxInt32)) // #nosec G115 -- it fits
}
