//go:build unix

package cachedir

import (
	"io/fs"
	"syscall"
)

// blocks returns what a file takes on disk, in bytes, and its names if it has several.
func blocks(info fs.FileInfo) (int64, names) {
	sys := info.Sys().(*syscall.Stat_t)
	var n names
	if sys.Nlink > 1 && !info.IsDir() {
		n = names{uint64(sys.Nlink), uint64(sys.Dev), uint64(sys.Ino)}
	}
	return int64(sys.Blocks) * 512, n // st_blocks is in units of 512 bytes, see stat(2)
}
