package bundle

import (
	"embed"
	"io/fs"
)

// "all:" takes .gitignore too, the one file that a fresh clone has there.
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
