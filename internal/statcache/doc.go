// Package statcache remembers the digests of files, so that a file is read again only when the file system reports a change of it. It works
// like the index of git: a file counts as unchanged while its size, modification time, change time, inode, device and mode are the same.
//
// A wrong digest would be a wrong image, so in doubt there is no answer and the file is read:
//
//   - A file that changed shortly before it was read may change again without a new time: the clock of a file system has ticks.
//   - When the clock was set back, times after it may be the same as before.
//   - Network file systems, FUSE and the file systems of other operating systems keep no change time or no inode that can be relied on.
//
// A cache that is missing, damaged or of another format costs time and nothing else.
package statcache
