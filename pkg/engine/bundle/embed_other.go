//go:build !linux

package bundle

import (
	"embed"
	"io/fs"
)

// embedded returns an empty file system: the engine's programs run on Linux only.
func embedded() fs.FS { return embed.FS{} }
