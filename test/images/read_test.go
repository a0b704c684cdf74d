package images

import (
	"archive/tar"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestApply(t *testing.T) {
	tree := map[string]string{"/a": "directory", "/a/b": "file", "/a/c": "file", "/d": "directory", "/d/e": "file", "/f": "file one"}
	Apply(tree, []Entry{
		{Path: "/a/.wh.b"}, {Path: "/d/.wh..wh..opq"}, {Path: "/d/g", Kind: tar.TypeReg, Text: "file new"},
		{Path: "/h", Kind: tar.TypeLink, Link: "/f"}, {Path: "/i", Kind: tar.TypeSymlink, Text: "link"},
	})
	want := map[string]string{"/a": "directory", "/a/c": "file", "/d": "directory", "/d/g": "file new", "/f": "file one", "/h": "file one", "/i": "link"}
	if diff := cmp.Diff(want, tree); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
