//go:build unix

package cachedir

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

const (
	groupWritable fs.FileMode = 0o020
	otherWritable fs.FileMode = 0o002
)

// unsafe returns why another user could replace files in a directory, or an empty string.
func unsafe(info fs.FileInfo) string {
	if reason := foreign(info); reason != "" {
		return reason
	}
	mode := info.Mode()
	switch {
	case mode&fs.ModeSticky != 0: // then only a file's owner can replace it
		return ""
	case mode&otherWritable != 0:
		return "can be written to by everybody"
	case mode&groupWritable != 0 && !ownGroup(info):
		return fmt.Sprintf("can be written to by the group %d", info.Sys().(*syscall.Stat_t).Gid)
	}
	return ""
}

// foreign returns a text about the owner of a file that belongs neither to root nor to this user, or an empty string.
func foreign(info fs.FileInfo) string {
	owner := int(info.Sys().(*syscall.Stat_t).Uid)
	if owner == 0 || owner == os.Geteuid() {
		return ""
	}
	return fmt.Sprintf("belongs to the user with id %d, and pulpimg runs as %d", owner, os.Geteuid())
}

// ownGroup reports whether nobody else is in a directory's group: root's, or the one that distributions make for each user under the
// same number. There, home directories are writable by the group (umask 002).
// https://wiki.debian.org/UserPrivateGroups
func ownGroup(info fs.FileInfo) bool {
	group := int(info.Sys().(*syscall.Stat_t).Gid)
	return group == 0 || group == os.Geteuid()
}
