package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/mod/semver"
)

// versionOf runs the script in a directory.
func versionOf(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	script, err := filepath.Abs("version.sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(script, args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	return strings.TrimSuffix(string(out), "\n"), err
}

// A checkout has the version of its tag, or one after the last tag.
func TestVersion_checkout(t *testing.T) {
	dir := t.TempDir()
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=t", "-c", "user.email=t@example.com"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", cmd, err, out)
		}
	}
	commit := func() { t.Helper(); run("commit", "--quiet", "--allow-empty", "--message", "x") }
	file := filepath.Join(dir, "file")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run("init", "--quiet")
	last := ""
	for _, step := range []struct {
		name    string
		prepare func()
		want    string // a regular expression
	}{
		{"no tag", func() { write("1"); run("add", "."); commit() }, `0\.0\.0-dev\.1\+[0-9a-f]{12}`},
		{"a tag that is no version", func() { commit(); run("tag", "latest") }, `0\.0\.0-dev\.2\+[0-9a-f]{12}`},
		{"a tag", func() { run("tag", "v0.9.9") }, `0\.9\.9`},
		{"a changed file", func() { write("2") }, `0\.9\.10-dev\.0\+[0-9a-f]{12}\.changed`},
		{"after the tag", func() { run("commit", "--quiet", "--all", "--message", "x") }, `0\.9\.10-dev\.1\+[0-9a-f]{12}`},
		{"a release candidate", func() { commit(); run("tag", "v1.0.0-rc.1") }, `1\.0\.0-rc\.1`},
		{"after the candidate", commit, `1\.0\.0-rc\.1\.dev\.1\+[0-9a-f]{12}`},
		{"the next candidate", func() { commit(); run("tag", "v1.0.0-rc.2") }, `1\.0\.0-rc\.2`},
		{"a release", func() { commit(); run("tag", "v1.0.0") }, `1\.0\.0`},
	} {
		step.prepare()
		got, err := versionOf(t, dir)
		if err != nil || !regexp.MustCompile("^"+step.want+"$").MatchString(got) {
			t.Errorf("%s: %q, %v, want %s", step.name, got, err, step.want)
		}
		if last != "" && step.name != "a tag that is no version" && semver.Compare("v"+got, "v"+last) <= 0 {
			t.Errorf("%s: %s does not sort after %s", step.name, got, last)
		}
		last = got
		sortsAlike(t, got)
	}
}

// sortsAlike checks that dpkg sorts a version before the release that follows it, as semver does.
func sortsAlike(t *testing.T, version string) {
	t.Helper()
	final, _, _ := strings.Cut(version, "-")
	if final == version {
		return
	}
	if out, err := exec.Command("dpkg", "--compare-versions", debianVersion(version), "lt", final).CombinedOutput(); err != nil {
		t.Errorf("to dpkg, %s is not before %s: %v\n%s", debianVersion(version), final, err, out)
	}
}

// What is no semver is refused.
func TestVersion_given(t *testing.T) {
	for version, ok := range map[string]bool{
		"1.2.3": true, "0.1.0-rc.1": true, "1.2.3-0.a+b.01": true, "10.20.30+x": true,
		"v1.2.3": false, "1.2": false, "01.2.3": false, "1.2.3-": false, "1.2.3-01": false, "1.2.3+": false, "latest": false, "1.2.3\n4.5.6": false, "1.2.3 x": false,
	} {
		got, err := versionOf(t, ".", version)
		if (err == nil) != ok || ok && got != version {
			t.Errorf("%q: got %q, %v", version, got, err)
		}
		if valid(version) != ok {
			t.Errorf("%q: the program and the script differ", version)
		}
	}
}
