// Package atomicfile replaces a file by rename: who reads it finds the old content or the new one, and an interrupted process leaves the old one.
//
// It does not wait until the content is on the disk, as moby/sys/atomicwriter does: that takes a disk longer than all else that most commands
// do here. After a loss of power a file may be empty, so whoever reads one has to notice that. Streams that are too large for memory are the
// business of others.
package atomicfile
