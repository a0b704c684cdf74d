package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// fake is a program that answers as pulpimg does.
func fake(t *testing.T, version string) string {
	t.Helper()
	name := write(t, filepath.Join(t.TempDir(), "pulpimg"), `#!/bin/sh
case $1 in
version) echo '{"version": "`+version+`"}';;
man) echo page >"$2/pulpimg.1";;
completion) echo "completions for $2";;
esac
`)
	if err := os.Chmod(name, 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// The same programs give the same archives and packages, whenever and wherever.
func TestRun_reproducible(t *testing.T) {
	var sums []map[string]string
	for range 2 {
		out := filepath.Join(t.TempDir(), "dist")
		own := runtime.GOOS + "/" + runtime.GOARCH
		file := fake(t, "1.2.3-rc.1")
		if err := run(t.Context(), []string{"-root", "../..", "-time", "1767225600", "-o", out, own + "=" + file, "darwin/arm64=" + file, "windows/amd64=" + file}); err != nil {
			t.Fatal(err)
		}
		check := exec.Command("sha256sum", "--check", checksums)
		check.Dir = out
		if text, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", check, err, text)
		}
		sums = append(sums, digests(t, out))
	}
	if diff := cmp.Diff(sums[0], sums[1]); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	arch := runtime.GOARCH
	for _, name := range []string{"pulpimg_1.2.3-rc.1_linux_" + arch + ".tar.gz", "pulpimg_1.2.3-rc.1_darwin_arm64.tar.gz", "pulpimg_1.2.3-rc.1_windows_amd64.zip",
		"pulpimg_1.2.3~rc.1_" + arch + ".deb", checksums} {
		if sums[0][name] == "" {
			t.Errorf("there is no %s: %v", name, sums[0])
		}
	}
	if len(sums[0]) != 6 { // with the rpm, whose architecture has another name
		t.Errorf("%d files, want 6: %v", len(sums[0]), sums[0])
	}
}

func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	all, err := names(dir)
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for _, name := range all {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		sums[name] = fmt.Sprintf("%x", sha256.Sum256(text))
	}
	return sums
}

// A version that is no semver makes no release.
func TestRun_version(t *testing.T) {
	err := run(t.Context(), []string{"-root", "../..", "-time", "0", "-o", t.TempDir(), runtime.GOOS + "/" + runtime.GOARCH + "=" + fake(t, "184e036")})
	if err == nil || !strings.Contains(err.Error(), "semver.org") {
		t.Errorf("got %v, want an error about the version", err)
	}
}

// A mistake in the command line is an error.
func TestParse_mistakes(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"no time", []string{"linux/amd64=x"}, "SOURCE_DATE_EPOCH"},
		{"no program", []string{"-time", "0"}, "OS/ARCH=FILE"},
		{"no platform", []string{"-time", "0", "x"}, `"x" is not OS/ARCH=FILE`},
		{"a format that there is not", []string{"-time", "0", "-formats", "apk", "linux/amd64=x"}, `"apk"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("SOURCE_DATE_EPOCH", "")
			if _, err := parse(test.args); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// A file that cannot be written whole is not there.
func TestCreate_failure(t *testing.T) {
	r := &release{options: options{out: t.TempDir()}}
	if err := r.create("x", func(*os.File) error { return errors.New("no") }); err == nil {
		t.Error("no error")
	}
	if left, err := names(r.out); err != nil || len(left) > 0 {
		t.Errorf("%q is left, %v", left, err)
	}
}

// The document shows the profile that the package has.
func TestProfile_inTheDocument(t *testing.T) {
	document, err := os.ReadFile("../../docs/engines.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("apparmor/pulpimg")
	if err != nil {
		t.Fatal(err)
	}
	_, rules, _ := strings.Cut(string(text), "\nabi ")
	want := "    " + strings.ReplaceAll(strings.TrimSuffix("abi "+rules, "\n"), "\n", "\n    ") + "\n"
	if want = strings.ReplaceAll(want, "\n    \n", "\n\n"); !strings.Contains(string(document), want) {
		t.Errorf("docs/engines.md does not have\n%s", want)
	}
}

// What is not of an earlier run is not removed.
func TestEmptied(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dist")
	for range 2 { // where nothing is, and where an earlier run was
		if err := emptied(dir); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{checksums, "pulpimg_1.2.3_amd64.deb"} {
			if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	mine := filepath.Join(dir, "go.mod")
	if err := os.WriteFile(mine, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := emptied(dir); err == nil || !strings.Contains(err.Error(), mine) {
		t.Errorf("the error is %v", err)
	}
	if _, err := os.Stat(mine); err != nil {
		t.Error(err)
	}
}
