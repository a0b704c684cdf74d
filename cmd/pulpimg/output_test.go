package main

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

func TestMetadataFile(t *testing.T) {
	for _, test := range []struct {
		name, content string
		refused       bool
	}{
		{"of pulpimg", `{"images":[{"name":"a"}]}`, false},
		{"of buildx", "{\n  \"containerimage.digest\": \"sha256:00\"\n}\n", false},
		{"an empty object", "{}", false},
		{"cut short", `{"images":[{"na`, false},
		{"cut shorter", `{`, false},
		{"empty", "", false},
		{"a spec", "version: 1\nname: a\n", true},
		{"a spec in braces", "{version: 1}\n", true},
		{"a template", "{{ .Values }}\n", true},
		{"a list", "[1]", true},
		{"a program", "\x7fELF\x02\x01", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(file, []byte(test.content), 0o600); err != nil {
				t.Fatal(err)
			}
			err := checkMetadata(file)
			var usage usageError
			if test.refused != errors.As(err, &usage) || !test.refused && err != nil {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestMetadataFile_places(t *testing.T) {
	dir := t.TempDir()
	for name, refused := range map[string]bool{
		filepath.Join(dir, "new.json"): false,
		os.DevNull:                     false,
		dir:                            true,
	} {
		if err := checkMetadata(name); (err != nil) != refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBuild_keepsAFileThatIsNoMetadata(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pulpimg.yaml")
	if err := os.WriteFile(file, []byte("version: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	root := newRoot(console{out: io.Discard, err: io.Discard})
	root.SetArgs([]string{"build", "-f", file, "--metadata-file", file})
	var usage usageError
	if err := root.Execute(); !errors.As(err, &usage) {
		t.Errorf("the error is %v", err)
	}
	if data, err := os.ReadFile(file); err != nil || string(data) != "version: 1\n" {
		t.Errorf("the file holds %q, %v", data, err)
	}
}
