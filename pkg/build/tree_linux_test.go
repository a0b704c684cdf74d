package build

import (
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestLstat_extendedAttributes(t *testing.T) {
	tree, ref := onDisk(t, "dir/file")
	if err := unix.Setxattr(filepath.Join(ref.root, "dir"), "user.owner", []byte("somebody"), 0); err != nil {
		t.Fatal(err)
	}
	info, err := tree.Lstat(t.Context(), "/dir")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"user.owner": "somebody"}, info.Xattrs); diff != "" {
		t.Errorf("extended attributes (-want +got):\n%s", diff)
	}
}
