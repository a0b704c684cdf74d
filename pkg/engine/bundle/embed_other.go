//go:build !linux || !(amd64 || arm64)

package bundle

import "embed"

// bin is empty: the engine's programs run on Linux only, and are compiled for these two.
var bin embed.FS
