//go:build !unix

package cachedir

import "io/fs"

// Elsewhere there are no owners and modes to look at.
func unsafe(fs.FileInfo) string  { return "" }
func foreign(fs.FileInfo) string { return "" }

func blocks(info fs.FileInfo) (int64, names) { return info.Size(), names{} }
