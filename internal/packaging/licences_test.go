package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, name, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// The licences of a package are those of its directory and of all above it in the module.
func TestLicenceFiles(t *testing.T) {
	dir := t.TempDir()
	module := filepath.Join(dir, "m")
	for _, name := range []string{"LICENSE", "m/LICENSE.md", "m/NOTICE", "m/license.go", "m/licenser", "m/a/COPYING", "m/b/LICENSE", "m/a/c/x.go"} {
		write(t, filepath.Join(dir, name), "text")
	}
	got, err := licenceFiles(module, filepath.Join(module, "a", "c"))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{filepath.Join(module, "a", "COPYING"), filepath.Join(module, "LICENSE.md"), filepath.Join(module, "NOTICE")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A text that several modules have is there once, below all of their names; a module without any is an error.
func TestLicenceText(t *testing.T) {
	dir := t.TempDir()
	a, b, empty := write(t, filepath.Join(dir, "a"), "may be copied\n"), write(t, filepath.Join(dir, "b"), "may be copied\r\n"), write(t, filepath.Join(dir, "c"), "\n")
	modules := map[string]linked{"a@v1": {"a", "v1", []string{a}}, "b@v2": {"b", "v2", []string{b}}}
	inside := map[string][]string{"a@v1": {"pulpimg"}, "b@v2": {"pulpimg", "runc"}}
	text, err := licenceText(modules, inside)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"b       v2       pulpimg, runc\n", "\na v1\nb v2\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("it lacks %q:\n%s", want, text)
		}
	}
	if n := strings.Count(string(text), "may be copied"); n != 1 {
		t.Errorf("the text is there %d times", n)
	}
	modules["c@v3"] = linked{"c", "v3", []string{empty}}
	if _, err := licenceText(modules, inside); err == nil || !strings.Contains(err.Error(), "c@v3") {
		t.Errorf("a module without a licence: %v", err)
	}
}

// All that runc is made of is found: Go modules, and the C libraries that are linked into it.
func TestModulesOf_runc(t *testing.T) {
	r := &release{options: options{root: "../.."}, modules: moduleCache{}}
	all := parts(program{"linux", "amd64", ""})
	i := len(all) - 2
	got, err := r.modulesOf(t.Context(), all[i])
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, m := range got {
		name, _, _ := strings.Cut(m.path, " ")
		found[name] = len(m.files) > 0
	}
	for _, name := range []string{"github.com/opencontainers/runc", "github.com/seccomp/libseccomp-golang", "libseccomp", "glibc", "Go,"} {
		if !found[name] {
			t.Errorf("it has no licence of %s among %v", name, found)
		}
	}
}
