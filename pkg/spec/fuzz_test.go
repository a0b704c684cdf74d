package spec

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"testing/fstest"
	"unicode/utf8"
)

// lineBreak is what the YAML parser counts as the end of a line.
var lineBreak = regexp.MustCompile("\r\n|[\r\n\u0085\u2028\u2029]")

// FuzzParse looks for input that makes Parse panic, or report an error at a place that the file does not have.
func FuzzParse(f *testing.F) {
	specs, err := filepath.Glob("../../specs/*.yaml")
	if err != nil || len(specs) == 0 {
		f.Fatalf("no specs to begin with: %v", err)
	}
	for _, name := range specs {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, text := range []string{"", "version: 1\n", head + images, head + bomb + images, step("{run: {script: |\n  a\n}}"), "version: 1\nx: [&a {b: *a}]\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("f.yaml", data)
		if err == nil {
			if s == nil || !bytes.Equal(s.Data, data) {
				t.Error("Parse gives neither an error nor what it read")
			}
			return
		}
		checkPlaces(t, data, err)
	})
}

// FuzzParseValues looks for the same in files of values.
func FuzzParseValues(f *testing.F) {
	for _, text := range []string{"", "host: a\n", "# none\n", "host: [a]\nport: 1\nhost: b\n", "a: &x b\nc: *x\n", "{a: \"\\t\"}", "- a\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := parseValues("f.yaml", data); err != nil {
			checkPlaces(t, data, err)
		}
	})
}

// checkPlaces reports errors at places that a file does not have.
func checkPlaces(t *testing.T, data []byte, err error) {
	t.Helper()
	var all Errors
	if !errors.As(err, &all) || len(all) == 0 {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	lines := lineBreak.Split(string(data), -1)
	simple := len(lines) == bytes.Count(data, []byte("\n"))+1 // all of its lines are lines for everybody
	for _, e := range all {
		at := e.At.Start
		if at.Line < 1 || at.Line > len(lines) || at.Column < 1 || simple && at.Column > utf8.RuneCountInString(lines[at.Line-1])+1 {
			t.Errorf("an error at %v, which the file does not have: %v", at, e)
		}
	}
}

// FuzzExtends looks for pairs of files that make a spec panic, or report an error at a place that neither file has.
func FuzzExtends(f *testing.F) {
	for _, over := range []string{"", "tag: x\n", "images: {web: null}\n", "images: {web: {from: [x], labels: *a}}\nx-a: &a {b: c}\n", "images: {web: {user: a, user: b}, base: 1}\n"} {
		f.Add([]byte("version: 1\nextends: base.yaml\n"+over), []byte(shop))
	}
	f.Add([]byte("version: 1\nextends: base.yaml\n"), []byte("version: 1\nextends: f.yaml\n"))
	f.Fuzz(func(t *testing.T, data, base []byte) {
		s, err := ParseFS("f.yaml", data, fstest.MapFS{"base.yaml": {Data: base}})
		if err == nil {
			if s == nil {
				t.Error("parse gives neither an error nor what it read")
			}
			return
		}
		var all Errors
		if !errors.As(err, &all) {
			t.Fatalf("the error is a %T: %v", err, err)
		}
		for _, e := range all {
			switch e.File {
			case "f.yaml":
				checkPlaces(t, data, Errors{e})
			case "base.yaml":
				checkPlaces(t, base, Errors{e})
			default:
				t.Errorf("an error in %q", e.File)
			}
		}
	})
}
