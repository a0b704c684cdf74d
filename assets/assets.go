// Package assets holds the files that pulpimg lays into images: the lens and the built helper.
//
// The helper is compiled by `make` and not committed; a pulpimg that was compiled without that step has none.
package assets

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"strings"
)

//go:embed *.aug all:helper
var files embed.FS

// FS returns the assets: NAME.aug, and helper/pulp-helper-linux-ARCH. A helper that lies beside its digest is opened as a file that has a method
// SHA256, which returns it: to compute it takes longer than much else that a build does.
func FS() fs.FS { return assets{files} }

type assets struct{ embed.FS }

// Open implements fs.FS.
func (a assets) Open(name string) (fs.File, error) {
	file, err := a.FS.Open(name)
	if err != nil {
		return nil, err
	}
	text, err := a.ReadFile(name + ".sha256")
	if err != nil {
		return file, nil // most files are small
	}
	digest, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(digest) != sha256.Size {
		return file, nil // the reader computes it
	}
	return summed{file, [sha256.Size]byte(digest)}, nil
}

// A summed is a file whose digest is known.
type summed struct {
	fs.File
	digest [sha256.Size]byte
}

// SHA256 returns the digest of the file.
func (s summed) SHA256() [sha256.Size]byte { return s.digest }
