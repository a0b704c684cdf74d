//go:build unix

package cachedir

import (
	"io/fs"
	"syscall"
)

// blocks returns what a file takes on disk, in bytes, and its inode if it has several names.
func blocks(info fs.FileInfo) (int64, inode) {
	sys := info.Sys().(*syscall.Stat_t)
	var id inode
	if sys.Nlink > 1 && !info.IsDir() {
		id = inode{uint64(sys.Dev), uint64(sys.Ino)}
	}
	return int64(sys.Blocks) * 512, id // st_blocks is in units of 512 bytes, see stat(2)
}
