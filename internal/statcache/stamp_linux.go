package statcache

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

func stampOf(info fs.FileInfo) (Stamp, bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return Stamp{}, false
	}
	return Stamp{
		Size:     s.Size,
		Modified: s.Mtim.Nano(),
		Changed:  s.Ctim.Nano(),
		Device:   s.Dev,
		Inode:    s.Ino,
		Mode:     s.Mode,
	}, true
}

// zfs and bcachefs are not among the constants of the system's headers.
const (
	zfs      = 0x2fc12fc1
	bcachefs = 0xca451a4e
)

// reliable reports whether the file system of a file is one that keeps change times and inodes by itself.
func reliable(f *os.File) bool {
	var s unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &s); err != nil {
		return false
	}
	switch uint32(s.Type) { // the size of the field depends on the architecture
	case unix.EXT4_SUPER_MAGIC, unix.XFS_SUPER_MAGIC, unix.BTRFS_SUPER_MAGIC, unix.F2FS_SUPER_MAGIC,
		unix.TMPFS_MAGIC, unix.OVERLAYFS_SUPER_MAGIC, zfs, bcachefs:
		return true
	}
	return false
}
