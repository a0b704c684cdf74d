package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// What a registry says, as an engine or this program reports it.
func TestProblem_doesNothingToATerminal(t *testing.T) {
	foreign := "DENIED: no\x1b[2J\x1b]0;title\a\r all is well \u009b31m \u202e \x7f \u2028"
	for _, format := range []format{{name: formatText}, {name: formatJSON}, {name: formatGitHub}} {
		var out bytes.Buffer
		if err := problemOf(context.Background(), errors.New(foreign)).print(console{out: &out, err: &out}, format); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(out.String(), func(c rune) bool { return c != '\n' && (unicode.IsControl(c) || c == 0x202e || c == 0x2028) }) {
			t.Errorf("as %s:\n%q", format.name, out.String())
		}
		if !strings.Contains(out.String(), "all is well") {
			t.Errorf("as %s:\n%q", format.name, out.String())
		}
	}
	if text := waitingText(publish.Waiting{Registry: "r.test", Err: errors.New(foreign + "\npulpimg: done")}); strings.ContainsFunc(text, unicode.IsControl) {
		t.Errorf("%q", text)
	}
}

// A mistake in the line of a URL shows the line.
func TestProblem_showsNoCredentialsOfURLs(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.yaml")
	text := "version: 1\nname: f\nregistry: r\ntag: t\nimages:\n  a:\n    from: scratch\n    steps:\n      - repo: { url: \"https://me:hunter2@h/r\", too: /r }\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, mistake := (&source{file: file}).family(t.Context(), console{err: io.Discard}, nil)
	if mistake == nil {
		t.Fatal("the spec is right")
	}
	for name, err := range map[string]error{"a mistake": mistake, "another error": errors.New("GET https://me:hunter2@h/r: 404")} {
		for _, format := range []format{{name: formatText}, {name: formatJSON}, {name: formatGitHub}} {
			var out bytes.Buffer
			if err := problemOf(context.Background(), err).print(console{out: &out, err: &out}, format); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "hunter2") || name == "a mistake" && format.name == formatText && !strings.Contains(out.String(), "xxxxxx@h/r") {
				t.Errorf("%s as %s:\n%s", name, format.name, out.String())
			}
		}
	}
}
