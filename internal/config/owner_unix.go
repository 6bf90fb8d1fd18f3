//go:build unix

package config

import (
	"io/fs"
	"syscall"
)

// ownerOf returns the ids of a file's user and group.
func ownerOf(info fs.FileInfo) (user, group int, ok bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return int(stat.Uid), int(stat.Gid), true
}
