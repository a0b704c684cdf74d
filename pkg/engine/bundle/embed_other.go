//go:build !linux

package bundle

import (
	"embed"
	"io/fs"
)

// embedded is empty: the engine's programs are Linux programs.
func embedded() fs.FS { return embed.FS{} }
