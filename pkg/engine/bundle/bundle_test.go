package bundle

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/klauspost/compress/zstd"
)

// The bundle of a fresh clone is empty.
func TestLoad_freshClone(t *testing.T) {
	_, err := load(fstest.MapFS{".gitignore": {Data: []byte("*\n")}})
	if !errors.Is(err, ErrEmpty) {
		t.Errorf("got the error %v, want %v", err, ErrEmpty)
	}
}

// A manifest that cannot be read is an error.
func TestLoad_damagedManifest(t *testing.T) {
	_, err := load(fstest.MapFS{ManifestName: {Data: []byte("{")}})
	if err == nil || errors.Is(err, ErrEmpty) {
		t.Errorf("got the error %v, want one about the manifest", err)
	}
}

// WriteTo unpacks a program, and reports bytes that are not those of the manifest.
func TestWriteTo(t *testing.T) {
	const text = "a program"
	const sum = "f7b14a58cd6f0b0b3fba9af1e4ae21ac3a4a6d7ba8d7ca0cbcbab32cbe7eeda5" // of something else
	right := Program{Name: "p", SHA256: digest([]byte(text))}
	for _, test := range []struct {
		name    string
		file    []byte
		program Program
		wantErr string
	}{
		{"right", pack(t, text), right, ""},
		{"other bytes", pack(t, text), Program{Name: "p", SHA256: sum}, "p has the digest sha256:" + right.SHA256},
		{"cut short", pack(t, text)[:10], right, "unexpected EOF"},
		{"not compressed", []byte(text), right, "magic"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := &Bundle{files: fstest.MapFS{"p.zst": {Data: test.file}}}
			var out bytes.Buffer
			err := b.WriteTo(&out, test.program)
			if test.wantErr == "" {
				if err != nil || out.String() != text {
					t.Errorf("got %q, %v, want %q", out.String(), err, text)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("got the error %v, want one with %q", err, test.wantErr)
			}
		})
	}
}

// The manifest lists what is embedded.
func TestLoad_embedded(t *testing.T) {
	b, err := Load()
	if errors.Is(err, ErrEmpty) {
		t.Skip("the engine was not built, which make engine does; make test has it")
	}
	if err != nil {
		t.Fatal(err)
	}
	var size int64
	for _, p := range b.Programs {
		var n counter
		if err := b.WriteTo(&n, p); err != nil {
			t.Error(err)
		}
		if int64(n) != p.Size {
			t.Errorf("%s has %d bytes, %d in the manifest", p.Name, n, p.Size)
		}
		size += int64(n)
	}
	if b.Size() != size {
		t.Errorf("the programs have %d bytes, %d in the manifest", size, b.Size())
	}
}

type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

func pack(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := zstd.NewWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
