//go:build unix

package family_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestOpen_replacedFile(t *testing.T) {
	for _, test := range []struct {
		name    string
		replace func(file string) error
	}{
		{"a pipe", func(file string) error { return syscall.Mkfifo(file, 0o644) }},
		{"a symbolic link to another file", func(file string) error { return os.Symlink("other", file) }},
		{"another file", func(file string) error { return os.WriteFile(file, []byte("content"), 0o644) }},
		{"a directory", func(file string) error { return os.Mkdir(file, 0o755) }},
	} {
		for _, copied := range []string{"{from: d, to: /t}", "{from: d/file, to: /t/}"} {
			t.Run(test.name+" "+copied, func(t *testing.T) {
				dir := t.TempDir()
				write(t, dir, map[string]string{"d/file": "content", "other": "secret"})
				f, err := resolve(t, step("files: "+copied), family.Options{Dir: dir})
				if err != nil {
					t.Fatal(err)
				}
				file := filepath.Join(dir, "d/file")
				// The old one stays, so that the new one cannot get its inode.
				if err := errors.Join(os.Rename(file, filepath.Join(dir, "old")), test.replace(file)); err != nil {
					t.Fatal(err)
				}
				opened := make(chan error, 1)
				go func() {
					r, err := f.Images[0].Steps[0].(family.Files).Files[0].Content.Open("amd64")
					if err == nil {
						err = r.Close()
					}
					opened <- err
				}()
				select {
				case err := <-opened:
					if err == nil || test.name != "a symbolic link to another file" && !strings.Contains(err.Error(), "d/file") {
						t.Errorf("got error %v, want one that names the file", err)
					}
				case <-time.After(10 * time.Second):
					t.Fatal("the build hangs")
				}
			})
		}
	}
}
