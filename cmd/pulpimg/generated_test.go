package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWriteGenerated_leavesTheFilesOfOthersAlone(t *testing.T) {
	ours := func(data []byte) bool { return strings.HasPrefix(string(data), "# ours") }
	for _, test := range []struct {
		name, before string
		overwrite    bool
		want         string // of the file; the error is a usage error if it is as before
	}{
		{"an older one", "# ours, and edited", false, "new"},
		{"one of somebody", "services: {}", false, "services: {}"},
		{"one that begins like ours later on", "x\n# ours", false, "x\n# ours"},
		{"an empty one", "", false, "new"},
		{"one of somebody, by force", "services: {}", true, "new"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "f")
			link := file + "-link"
			if err := errors.Join(os.WriteFile(file, []byte(test.before), 0o640), os.Symlink(file, link)); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{file, link} {
				err := writeGenerated(name, []byte("new"), ours, test.overwrite)
				var usage usageError
				if errors.As(err, &usage) != (test.want != "new") || test.want == "new" && err != nil {
					t.Errorf("%s: %v", name, err)
				}
				data, err := os.ReadFile(file)
				if err != nil || string(data) != test.want {
					t.Errorf("%s: it holds %q, %v", name, data, err)
				}
				ours = func([]byte) bool { return test.want == "new" } // it has been written by the first
			}
			if info, err := os.Lstat(link); err != nil || info.Mode().Type() != os.ModeSymlink {
				t.Errorf("the link is %v, %v", info, err)
			}
			if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("the file is %v, %v", info, err)
			}
			ours = func(data []byte) bool { return strings.HasPrefix(string(data), "# ours") }
		})
	}
	dir := t.TempDir()
	var usage usageError
	for _, name := range []string{dir, os.DevNull} {
		if err := writeGenerated(name, []byte("new"), ours, true); !errors.As(err, &usage) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := writeGenerated(filepath.Join(dir, "new"), []byte("new"), ours, false); err != nil {
		t.Error(err)
	}
}
