// Package gendir keeps directories of generated files: it writes them, and shows how a directory differs from what it should be.
//
// Such a directory contains nothing else. A note in it lists the files that were written. By this note, Write removes files that are no
// longer generated, and never overwrites or removes a file that it did not write. The package does not know what the files are.
package gendir
