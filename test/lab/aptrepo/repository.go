package aptrepo

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"strings"
	"testing/fstest"
	"time"
)

// New returns the files of a flat repository of the packages: "deb [trusted=yes] URL ./" in the words of sources.list. All times in it
// are built.
func New(built time.Time, packages ...Package) (fs.FS, error) {
	files := fstest.MapFS{}
	add := func(name string, data []byte) { files[name] = &fstest.MapFile{Data: data, Mode: 0o644, ModTime: built} }
	var index strings.Builder
	for _, p := range packages {
		deb, err := p.deb(built)
		if err != nil {
			return nil, err
		}
		add(p.fileName(), deb)
		fmt.Fprintf(&index, "%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", p.control(), p.fileName(), len(deb), sha256.Sum256(deb))
	}
	add("Packages", []byte(index.String()))
	add("Release", fmt.Appendf(nil, "Origin: Lab\nSuite: lab\nDate: %s\nSHA256:\n %x %d Packages\n",
		built.UTC().Format("Mon, 02 Jan 2006 15:04:05 UTC"), sha256.Sum256([]byte(index.String())), index.Len()))
	return files, nil
}
