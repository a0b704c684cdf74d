//go:build linux

package main

import (
	"compress/gzip"
	"debug/elf"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// It is in every image, and twice in pulpimg.
const (
	mostBytes      = 8_000_000
	mostCompressed = 4_000_000
)

func TestProgram_smallAndStatic(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "pulp-helper")
			// As the Makefile does.
			cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", file, ".")
			cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("go build: %v\n%s", err, out)
			}
			size, compressed := sizes(t, file)
			t.Logf("%d bytes, %d compressed", size, compressed)
			if size > mostBytes || compressed > mostCompressed {
				t.Errorf("it has %d bytes, %d compressed; want %d and %d at most", size, compressed, mostBytes, mostCompressed)
			}
			program, err := elf.Open(file)
			if err != nil {
				t.Fatal(err)
			}
			defer program.Close()
			for _, p := range program.Progs {
				if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
					t.Errorf("it is not static: it has a segment %v", p.Type)
				}
			}
		})
	}
}

// sizes returns how many bytes a file has, as it is and compressed by gzip.
func sizes(t *testing.T, file string) (plain, compressed int64) {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	var out counter
	gz := gzip.NewWriter(&out)
	if plain, err = io.Copy(gz, in); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return plain, int64(out)
}

// A counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}
