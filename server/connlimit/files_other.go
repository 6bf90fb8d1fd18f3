//go:build !unix

package connlimit

import "math"

// openFilesLimit is how many files this process may open: no limit is known here.
func openFilesLimit() int { return math.MaxInt32 }
