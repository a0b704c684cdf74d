package statcache

import "io/fs"

// A Stamp is what a file system reports about a file. It changes whenever the content does.
type Stamp struct {
	Size int64
	// The times are in nanoseconds. A user can set the modification time, but not the change time.
	Modified, Changed int64
	Device, Inode     uint64
	Mode              uint32
}

// StampOf returns the stamp of a file. It returns false where the system has none.
func StampOf(info fs.FileInfo) (Stamp, bool) { return stampOf(info) }

// settled reports whether a file had been left alone for a while at a time.
func (s Stamp) settled(at int64) bool { return max(s.Modified, s.Changed) < at-int64(racy) }
