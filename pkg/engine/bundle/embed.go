package bundle

import (
	"io/fs"
	"runtime"
)

// embedded returns the programs for this machine. There are none on other systems than Linux.
func embedded() fs.FS {
	sub, err := fs.Sub(bin, "bin/"+runtime.GOARCH)
	if err != nil {
		panic(err) // the path is valid
	}
	return sub
}
