package parity

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

const modesSpec = `version: 1
name: modes
registry: docker.io/lab
tag: "1"
images:
  modes:
    from: docker.io/library/fedora:20
    steps:
      - run: mkdir -p /opt/there && chmod 0700 /opt/there
      - files: { from: tree, to: /opt }
      - run: |
          test "$(stat -c %a /opt/sticky)" = 1777
          test "$(stat -c %a /opt/there)" = 1775
          test "$(stat -c %a /opt/plain/group)" = 2755
          test "$(stat -c %a '/opt/plain/group/a [b]!')" = 1711
          test "$(stat -c %a /opt/plain)" = 755
          touch /opt/sticky/new /opt/plain/group/new '/opt/plain/group/a [b]!/new'
      - files: { from: tree/sticky, to: /srv/top }
`

// modes are those of directories of the tree.
var modes = map[string]fs.FileMode{
	"sticky":               fs.ModeSticky | 0o777,
	"there":                fs.ModeSticky | 0o775,
	"plain/group":          fs.ModeSetgid | 0o770,
	"plain/group/a [b]!":   fs.ModeSticky | 0o711,
	"plain/group/ordinary": 0o700,
}

func TestParity_directoryModes(t *testing.T) {
	dir := t.TempDir()
	for _, file := range []string{"pulpimg.yaml", "tree/sticky/file", "tree/plain/group/file", "tree/plain/group/ordinary/file"} {
		if err := place(dir, file, []byte(modesSpec)); err != nil {
			t.Fatal(err)
		}
	}
	for _, empty := range []string{"tree/there/", "tree/plain/group/a [b]!/"} {
		if err := place(dir, empty, nil); err != nil {
			t.Fatal(err)
		}
	}
	for name, mode := range modes {
		if err := os.Chmod(filepath.Join(dir, "tree", name), mode); err != nil {
			t.Fatal(err)
		}
	}
	f := resolve(t, filepath.Join(dir, "pulpimg.yaml"), nil)
	same(t, f)
}
