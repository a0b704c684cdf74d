package bundle

import (
	"embed"
	"io/fs"
)

// With "all:", .gitignore is embedded as well. It is the only file of a fresh clone, and a pattern must match a file.
//
//go:embed all:bin
var bin embed.FS

func embedded() fs.FS {
	sub, err := fs.Sub(bin, "bin")
	if err != nil {
		panic(err) // "bin" is a valid path
	}
	return sub
}
