package bundle

import "embed"

// With "all:", .gitignore is embedded as well. It is the only file of a fresh clone, and a pattern must match a file.
//
//go:embed all:bin/arm64
var bin embed.FS
