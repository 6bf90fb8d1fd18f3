//go:build !unix

package main

import "io/fs"

// ownerOf knows no owners where files have lists of rights instead.
func ownerOf(fs.FileInfo) (user, group int, ok bool) { return 0, 0, false }
