package aptrepo

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestNew_isReadByDpkg(t *testing.T) {
	built := time.Date(2013, time.December, 17, 0, 0, 0, 0, time.UTC)
	repository, err := New(built, Catalog()...)
	if err != nil {
		t.Fatal(err)
	}
	again, err := New(built, Catalog()...)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range Catalog() {
		deb, err := fs.ReadFile(repository, p.fileName())
		if err != nil {
			t.Fatal(err)
		}
		other, err := fs.ReadFile(again, p.fileName())
		if err != nil || string(other) != string(deb) {
			t.Errorf("%s has other bytes the second time (%v)", p.Name, err)
		}
		name := filepath.Join(t.TempDir(), p.fileName())
		if err := os.WriteFile(name, deb, 0o644); err != nil {
			t.Fatal(err)
		}
		fields, err := exec.CommandContext(t.Context(), "dpkg-deb", "--field", name).CombinedOutput()
		if diff := cmp.Diff(p.control(), string(fields)); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", p.Name, err, diff)
		}
		contents, err := exec.CommandContext(t.Context(), "dpkg-deb", "--contents", name).CombinedOutput()
		if err != nil || !strings.Contains(string(contents), " ./usr/share/"+p.Name+"\n") {
			t.Errorf("%s: %v: %s", p.Name, err, contents)
		}
	}
}
