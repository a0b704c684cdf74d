//go:build unix

package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestLoad_pipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(name); err == nil || !strings.Contains(err.Error(), name+" is a pipe that nobody writes to") {
		t.Errorf("Load of a pipe without a writer: %v", err)
	}
}

// A shell's <(...) is a pipe whose other end may take its time.
func TestLoad_processSubstitution(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	name := fmt.Sprintf("/dev/fd/%d", r.Fd())
	const text = "version: 1\nname: a\nregistry: r.test/a\ntag: v1\nimages:\n  b:\n    from: scratch\n"
	go func() {
		defer w.Close()
		for line := range strings.Lines(text) {
			_, _ = w.WriteString(line)
		}
	}()
	got, err := Load(name)
	if err != nil || string(got.Data) != text {
		t.Errorf("Load: %v", err)
	}
}
