//go:build linux

package settings_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/settings"
	"github.com/pulpimg/pulpimg/test/needs"
)

// Write changes the values and nothing else.
func TestWrite(t *testing.T) {
	for _, test := range []struct{ name, before, path, value, after string }{
		{"a value", "[s]\na: 1\nk: old\nb: 2\n", "s/k", "new", "[s]\na: 1\nk: new\nb: 2\n"},
		{"the separator stays", "[s]\nk =old\n", "s/k", "new", "[s]\nk =new\n"},
		{"white space at the end stays", "[s]\nk: old \t\n", "s/k", "new", "[s]\nk: new \t\n"},
		{"a comment behind the value stays", "[s]\nk: old ; why\n", "s/k", "new", "[s]\nk: new ; why\n"},
		{"no comment may be behind a semicolon", "[s]\nk: old ; why\n", "s/k", "a;b", "[s]\nk: a;b\n"},
		{"no comment may be behind an empty value", "[s]\nk: old ; why\n", "s/k", "", "[s]\nk:\n"},
		{"an empty value", "[s]\nk:\n", "s/k", "new", "[s]\nk: new\n"},
		{"a percent sign", "[s]\nk: %(x)s\n", "s/k", "100%", "[s]\nk: 100%%\n"},
		{"the case of a key does not matter", "[s]\nThe_Key: old\n", "s/the_key", "new", "[s]\nThe_Key: new\n"},
		{"the case of a section does", "[S]\nk: old\n", "s/k", "new", "[S]\nk: old\n[s]\nk: new\n"},
		{"a key that is part of another", "[s]\nkey.x: 1\nkey-x: 2\n", "s/key.x", "new", "[s]\nkey.x: new\nkey-x: 2\n"},
		{"a key that is there twice", "[s]\nk: 1\nK = 2\n", "s/k", "new", "[s]\nk: new\nK = new\n"},
		{"a section that is there twice", "[s]\nk: 1\n[t]\n[s]\na: 1\n", "s/k", "new", "[s]\nk: new\n[t]\n[s]\na: 1\n"},
		{"a new key in a section that is there twice", "[s]\nb: 1\n[t]\n[s]\na: 1\n", "s/k", "new", "[s]\nb: 1\n[t]\n[s]\na: 1\nk: new\n"},
		{"the lines that continue the value go", "[s]\nk: one,\n  two,\n\n# why\n  three\na: 1\n", "s/k", "new", "[s]\nk: new\n\n# why\na: 1\n"},
		{"those of another key stay", "[s]\na: one,\n  two\nk: old\n", "s/k", "new", "[s]\na: one,\n  two\nk: new\n"},
		{"an indented comment below the key stays", "[s]\nk: old\n  # why\n  and:\n", "s/k", "new", "[s]\nk: new\n# why\n"},
		{"a key that is commented out", "[s]\n# k: old\n# a: 1\n\n# [t]\n[t]\n", "s/k", "new", "[s]\n# k: old\nk: new\n# a: 1\n\n# [t]\n[t]\n"},
		{"a key that is commented out and explained", "[s]\n# k: the key\n#K = 1\na: 1\n", "s/k", "new", "[s]\n# k: the key\n#K = 1\nk: new\na: 1\n"},
		{"one that is commented out in another section", "[t]\n# k: old\n[s]\n", "s/k", "new", "[t]\n# k: old\n[s]\nk: new\n"},
		{"one that is commented out within a value", "[s]\na: 1\n# k: old\n  2\n", "s/k", "new", "[s]\na: 1\n# k: old\n  2\nk: new\n"},
		{"one that is commented out and there", "[s]\n# k: old\na: 1\nk: older\n", "s/k", "new", "[s]\n# k: old\na: 1\nk: new\n"},
		{"a new key", "[s]\na: 1\n  2\n\n# about t\n[t]\n", "s/k", "new", "[s]\na: 1\n  2\nk: new\n\n# about t\n[t]\n"},
		{"a new key in a section of comments", "[s]\n# a: 1\n\n# about t\n[t]\n", "s/k", "new", "[s]\nk: new\n# a: 1\n\n# about t\n[t]\n"},
		{"a new key in an empty section", "[s]\n[t]\n", "s/k", "new", "[s]\nk: new\n[t]\n"},
		{"a new key in a section with a blank line", "[s]\n\n[t]\n", "s/k", "new", "[s]\n\nk: new\n[t]\n"},
		{"a new section", "[t]\na: 1\n\n", "s p/k", "new", "[t]\na: 1\n\n[s p]\nk: new\n"},
		{"an empty file", "", "s/k", "new", "\n[s]\nk: new\n"},
		{"a file without a newline at its end", "[s]\nk: old", "s/k", "new", "[s]\nk: new\n"},
		{"lines that end as in DOS", "[s]\r\n# c\r\nk: old\r\n\r\n", "s/k", "new", "[s]\r\n# c\r\nk: new\r\n\r\n"},
		{"bytes that are no characters", "[s]\n# \xff\na: \xe9\nk: old\n", "s/k", "é", "[s]\n# \xff\na: \xe9\nk: é\n"},
		{"the section of defaults", "[DEFAULT]\nk: old\n", "DEFAULT/k", "new", "[DEFAULT]\nk: new\n"},
		{"what is already so", "[s]\nk: new\n", "s/k", "new", "[s]\nk: new\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := settingsFile(t, test.before)
			if err := writer(t).Write(t.Context(), resolved(t, file, test.path, test.value)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.after, read(t, file)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The file has the shape of the one that the settings are for, nearly all of it commented out.
func TestWrite_realFile(t *testing.T) {
	before := read(t, "../../../assets/testdata/server.conf")
	file := settingsFile(t, before)
	pairs := []string{
		"server/server_name", "pulp.example.com", "database/seeds", "db1:27017,db2:27017", "messaging/url", "tcp://msg:5672",
		"tasks/broker_url", "qpid://guest@msg:5672", "oauth/oauth_secret", `p'a"s\s %#[x]`,
	}
	if err := writer(t).Write(t.Context(), resolved(t, file, pairs...)); err != nil {
		t.Fatal(err)
	}
	got := configParser(t.Context(), t, file)
	for _, s := range set(pairs...) {
		section, key, _ := s.Split()
		if got[section][key] != s.Value {
			t.Errorf("%s: ConfigParser reads %q, want %q", s.Path, got[section][key], s.Value)
		}
	}
	lines := map[string]int{}
	for line := range strings.Lines(read(t, file)) {
		lines[line]++
	}
	changed := 0
	for line := range strings.Lines(before) {
		if lines[line]--; lines[line] < 0 {
			changed++
		}
	}
	if changed != 1 { // oauth_secret; all others are commented out
		t.Errorf("%d of the file's lines have changed, want 1", changed)
	}
}

// Write keeps the mode, the owner and symbolic links.
func TestWrite_keepsModeAndOwner(t *testing.T) {
	needs.Root(t)
	file := settingsFile(t, "[s]\nk: old\n")
	if err := os.Chown(file, 12345, 54321); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(file, 0o4604); err != nil {
		t.Fatal(err)
	}
	before := fingerprintOf(t, file)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := writer(t).Write(t.Context(), resolved(t, link, "s/k", "new")); err != nil {
		t.Fatal(err)
	}
	after := fingerprintOf(t, file)
	if want := "[s]\nk: new\n"; after.content != want {
		t.Errorf("got %q, want %q", after.content, want)
	}
	if after.mode != before.mode || after.uid != before.uid || after.gid != before.gid {
		t.Errorf("the file is %v of %d:%d, was %v of %d:%d", after.mode, after.uid, after.gid, before.mode, before.uid, before.gid)
	}
	if to, err := os.Readlink(link); err != nil || to != file {
		t.Errorf("the link points to %q (%v), want %q", to, err, file)
	}
}

// Write does not touch a file that has the values already.
func TestWrite_unchanged(t *testing.T) {
	file := settingsFile(t, "[s]\nk: v\n")
	before := fingerprintOf(t, file)
	if err := writer(t).Write(t.Context(), resolved(t, file, "s/k", "v")); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, fingerprintOf(t, file), cmp.AllowUnexported(fingerprint{})); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// Nothing in the name of a file means anything to augtool.
func TestWrite_anyFileName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a b", "a[1]*", `a'b"c\`, "a,b=c", "#a", "ä"} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := writer(t).Write(t.Context(), resolved(t, file, "s/k", "v")); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if got, want := read(t, file), "\n[s]\nk: v\n"; got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// Several settings of one file are all written.
func TestWrite_sameFileTwice(t *testing.T) {
	file := settingsFile(t, "[s]\na: 1\n")
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if err := writer(t).Write(t.Context(), resolved(t, file, "s/a", "2"), resolved(t, link, "s/b", "3")); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, file), "[s]\na: 2\nb: 3\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// augtool reads its script with readline, which a user or a system can configure to change what it reads.
func TestWrite_ignoresTheEnvironment(t *testing.T) {
	home := t.TempDir()
	rc := filepath.Join(home, ".inputrc")
	if err := os.WriteFile(rc, []byte("set convert-meta on\n\"v\": \"x\"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"HOME": home, "INPUTRC": rc, "LC_ALL": "C", "TERM": "dumb", "AUGEAS_ROOT": "/nowhere", "AUGEAS_LENS_LIB": "/nowhere"} {
		t.Setenv(name, value)
	}
	file := settingsFile(t, "[s]\nk: old\n")
	if err := writer(t).Write(t.Context(), resolved(t, file, "s/k", "vé😀")); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, file), "[s]\nk: vé😀\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	left, err := os.ReadDir(home)
	if err != nil || len(left) != 1 {
		t.Errorf("the home directory has %v (%v), want .inputrc alone", left, err)
	}
}

func TestWrite_cancelled(t *testing.T) {
	tools := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready := filepath.Join(tools, "ready")
	// An augtool that is never done.
	if err := os.WriteFile(filepath.Join(tools, "augtool"), []byte("#!/bin/sh\n>"+ready+"\nexec sleep 1000\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	t.Setenv("TMPDIR", t.TempDir())
	file := settingsFile(t, "[s]\nk: old\n")
	done := make(chan error, 1)
	go func() { done <- writer(t).Write(ctx, resolved(t, file, "s/k", "new")) }()
	for {
		if _, err := os.Stat(ready); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-done; err != context.Canceled {
		t.Errorf("got %v, want %v", err, context.Canceled)
	}
	if got, want := read(t, file), "[s]\nk: old\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("it leaves %v (%v)", left, err)
	}
}

// resolvedSecret returns a file with one setting, whose value is secret.
func resolvedSecret(t *testing.T, file, lens, secret string) settings.File {
	t.Helper()
	c := contract.Contract{Environment: []contract.Variable{{Name: "PASSWORD", Secret: true}}}
	env := contract.NewEnvironment(c, func(string) string { return secret })
	f, err := settings.Resolve(contract.Settings{Name: "s", File: file, Lens: lens, Set: set("s/k", "${PASSWORD}")}, env)
	if err != nil {
		t.Fatal(err)
	}
	return f
}
