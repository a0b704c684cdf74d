// Package gendir keeps directories of generated files: it writes them, and says how one differs from what it should be.
//
// Such a directory holds nothing else. A note in it says which files were written, so that a file that is no longer generated is
// removed, and one that somebody else put there is never overwritten or removed. The package does not know what the files are.
package gendir
