package schema

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// head is what most specs begin with.
const head = "version: 1\nname: f\nregistry: r.example/f\ntag: \"1\"\n"

// specs reads the specs of an archive, by name. Of those that are refused, the first line says why.
func specs(t testing.TB, name string) map[string][]byte {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name))
	if err != nil || len(archive.Files) == 0 {
		t.Fatalf("%s has no specs: %v", name, err)
	}
	out := map[string][]byte{}
	for _, file := range archive.Files {
		if _, ok := out[file.Name]; ok {
			t.Errorf("%s has two specs called %s", name, file.Name)
		}
		out[file.Name] = []byte(strings.Replace(string(file.Data), "#head\n", head, 1))
	}
	return out
}

// expected returns the error that a spec gets.
func expected(data []byte) string {
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimPrefix(line, "# ")
}

func TestGood(t *testing.T) {
	v := newValidator(t)
	for name, data := range specs(t, "good.txtar") {
		t.Run(name, func(t *testing.T) {
			if errs := load(data); len(errs) > 0 {
				t.Errorf("pulpimg: %v", errs)
			}
			if err := v.validate(data); err != nil {
				t.Errorf("the schema: %v", err)
			}
		})
	}
}

func TestBad(t *testing.T) {
	v := newValidator(t)
	for name, data := range specs(t, "bad.txtar") {
		t.Run(name, func(t *testing.T) {
			if got := text(load(data)); !strings.Contains(got, expected(data)) {
				t.Errorf("pulpimg: %s, want %s", got, expected(data))
			}
			if v.validate(data) == nil {
				t.Error("the schema accepts it")
			}
		})
	}
}

// For each mistake that a schema cannot express, there is a spec that shows it.
func TestBeyond(t *testing.T) {
	v := newValidator(t)
	used := map[string]bool{}
	for name, data := range specs(t, "beyond.txtar") {
		t.Run(name, func(t *testing.T) {
			errs := load(data)
			if got := text(errs); !strings.Contains(got, expected(data)) {
				t.Errorf("pulpimg: %s, want %s", got, expected(data))
			}
			if !beyond(data, errs, used) {
				t.Errorf("no reason is given why a schema cannot say this: %v", errs)
			}
			// What JSON cannot hold cannot be put through the schema.
			if !strings.Contains(name, "alias") {
				if err := v.validate(data); err != nil {
					t.Errorf("the schema can say it, and so it belongs to what is bad: %v", err)
				}
			}
		})
	}
	for _, l := range limits {
		if !used[l.message.String()] {
			t.Errorf("no spec here shows %q", l.message)
		}
	}
}

func TestSpecs(t *testing.T) {
	v := newValidator(t)
	var files []string
	for _, pattern := range []string{"../../specs/*.yaml", "../../specs/*/pulpimg.yaml", "../../examples/*/pulpimg.yaml"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("no specs %s: %v", pattern, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		data := read(t, file)
		if err := v.validate(data); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		line, _, _ := strings.Cut(string(data), "\n")
		schema, ok := strings.CutPrefix(line, "# yaml-language-server: $schema=")
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), schema)); !ok || err != nil {
			t.Errorf("%s does not tell editors where its schema is: its first line is %q", file, line)
		}
	}
}
