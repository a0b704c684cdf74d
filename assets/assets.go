// Package assets holds the files that pulpimg lays into images: the lens and the built helper.
//
// The helper is compiled by `make` and not committed; a pulpimg that was compiled without that step has none.
package assets

import (
	"embed"
	"io/fs"
)

//go:embed *.aug all:helper
var files embed.FS

// FS returns the assets: NAME.aug, and helper/pulp-helper-linux-ARCH.
func FS() fs.FS { return files }
