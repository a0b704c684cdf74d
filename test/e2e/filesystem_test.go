package e2e

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// awkwardSpec writes below directories that the base has as symbolic links (/lib, /var/run), or with a mode of their own (/tmp), in
// layers that are made apart from it: before a command, after it, and in an image on top.
const awkwardSpec = `
version: 1
name: awkward
registry: docker.io/lab
tag: "1"
images:
  below:
    from: docker.io/library/fedora:20
    steps:
      - files: { from: tree, to: /lib/tree }
      - files: { from: tool, to: /tmp/deep/tool }
      - files: { from: tool, to: /var/run/awkward/tool, mode: "4755" }
      - run: |
          test -L /lib && test -L /var/run && test "$(stat -c %a /tmp)" = 1777
          test -f /usr/lib/tree/sub/b && test "$(cat /lib/tree/sub/b)" = b
          test "$(stat -c %a /run/awkward/tool)" = 4755
          /tmp/deep/tool > /tmp/said
          mkdir -p /opt/real && chmod 0700 /opt/real && chown 48:48 /opt/real && ln -s /opt/real /alias
      - files: { from: tool, to: /lib/tree/after }
      - files: { from: tool, to: /tmp/after }
      - files: { from: tool, to: /var/run/after }
      - files: { from: tool, to: /alias/dir/after }
  above:
    from: below
    steps:
      - files: { from: tool, to: /lib/tree/sub/above }
      - run: |
          test -L /lib && test -L /var/run && test "$(stat -c %a /tmp)" = 1777
          test -L /alias && test -f /opt/real/dir/after && test "$(stat -c '%a %u' /opt/real)" = '700 48'
          test -f /lib/tree/after && test -f /run/after && test -f /lib/tree/sub/above
          rm /lib/tree/a
      - files: { from: tree, to: /lib/tree }
      - files: { from: tool, to: /tmp/above }
`

var awkwardFiles = map[string]string{"tree/a": "a", "tree/sub/b": "b", "tool": "#!/bin/sh\necho said\n"}

// Adding files below symbolic links and sticky directories does not change these.
func TestFiles_keepLinksAndStickyBits(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, awkwardSpec, awkwardFiles)
	place := registry(t)
	warm().build(t, "-f", spec, "--registry", place, "--push").ok(t)

	for name, files := range map[string][]string{
		"below": {"usr/lib/tree/a", "usr/lib/tree/sub/b", "usr/lib/tree/after", "tmp/deep/tool", "tmp/said", "tmp/after", "run/awkward/tool", "run/after", "opt/real/dir/after"},
		"above": {"usr/lib/tree/a", "usr/lib/tree/sub/above", "tmp/above", "opt/real/dir/after"},
	} {
		// As it is once another tool has unpacked the layers one upon the other.
		root := podman{}.mount(t, place+"/"+name+":1")
		for link, target := range map[string]string{"lib": "usr/lib", "var/run": "/run", "alias": "/opt/real"} {
			if got, err := os.Readlink(filepath.Join(root, link)); err != nil || got != target {
				t.Errorf("%s: /%s leads to %q (%v), want %q", name, link, got, err, target)
			}
		}
		for dir, mode := range map[string]fs.FileMode{"tmp": 0o777 | fs.ModeSticky, "usr/lib": 0o755, "opt/real": 0o700, "usr/lib/tree": 0o755} {
			info, err := os.Lstat(filepath.Join(root, dir))
			if err != nil || info.Mode() != fs.ModeDir|mode {
				t.Errorf("%s: /%s is %v (%v), want %v", name, dir, info, err, fs.ModeDir|mode)
			}
		}
		for _, file := range files {
			if info, err := os.Lstat(filepath.Join(root, file)); err != nil || !info.Mode().IsRegular() {
				t.Errorf("%s: /%s is %v (%v), want a file", name, file, info, err)
			}
		}
	}
}

// replaceSpec puts a file where the base has a symbolic link to a symbolic link to a file (/usr/bin/awk leads to
// /etc/alternatives/awk, and that to /usr/bin/mawk), and empty directories where it has links and directories.
const replaceSpec = `
version: 1
name: replace
registry: docker.io/lab
tag: "1"
images:
  replace:
    from: docker.io/library/fedora:20
    steps:
      - files: { from: tool, to: /usr/bin/awk }
      - files: { from: root, to: / }
      - run: |
          test ! -L /usr/bin/awk && test "$(awk)" = said
          test "$(readlink /etc/alternatives/awk)" = /usr/bin/mawk && test "$(mawk 'BEGIN { print 1 }')" = 1
          test -L /lib && test -L /var/run && test "$(stat -c %a /tmp)" = 1777
`

// A file replaces a symbolic link, and does not change its target.
func TestFiles_replaceALink(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, replaceSpec, map[string]string{"tool": awkwardFiles["tool"]})
	for _, dir := range []string{"lib", "tmp", "var/run"} {
		if err := os.MkdirAll(filepath.Join(filepath.Dir(spec), "root", dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	place := registry(t)
	warm().build(t, "-f", spec, "--registry", place, "--push").ok(t)
	root := podman{}.mount(t, place+"/replace:1")
	if text, err := os.ReadFile(filepath.Join(root, "usr/bin/awk")); err != nil || string(text) != awkwardFiles["tool"] {
		t.Errorf("/usr/bin/awk holds %q (%v)", text, err)
	}
	if text, err := os.ReadFile(filepath.Join(root, "usr/bin/mawk")); err != nil || string(text) == awkwardFiles["tool"] {
		t.Errorf("/usr/bin/mawk holds %q (%v)", text, err)
	}
	if target, err := os.Readlink(filepath.Join(root, "lib")); err != nil || target != "usr/lib" {
		t.Errorf("/lib leads to %q (%v), want usr/lib", target, err)
	}
	if info, err := os.Lstat(filepath.Join(root, "tmp")); err != nil || info.Mode() != fs.ModeDir|fs.ModeSticky|0o777 {
		t.Errorf("/tmp is %v (%v)", info, err)
	}
}

// litter is what a package manager leaves for its next run, or tells of this one.
var litter = regexp.MustCompile(`^/var/cache/(dnf|yum|libdnf5)/.|^/var/log/(dnf|yum|hawkey)|^/var/lib/dnf/history|^/var/lib/yum/history|` +
	`^/var/lib/rpm/(__db|\.rpm\.lock|rpmdb\.sqlite-)|^/var/cache/ldconfig/aux-cache|^/tmp/.|^/run/.`)

// Package layers hold no cache log or history.
func TestPackages_clean(t *testing.T) {
	pulp(t)
	env.lanes.own.enter(t)
	img := image(t, pulpRegistry()+"/pulp-base"+pulpTag)
	for _, at := range madeBy(t, img, "RUN yum ") {
		var found, all []string
		for name := range entries(t, layers(t, img)[at]) {
			all = append(all, name)
			if litter.MatchString(name) {
				found = append(found, name)
			}
		}
		if len(found) > 0 {
			t.Errorf("layer %d holds %v; all that it holds:\n%s", at, found, strings.Join(all, "\n"))
		}
	}
}

// A package step installs what the spec asks for.
func TestPackages_installed(t *testing.T) {
	pulp(t)
	env.lanes.own.enter(t)
	root := podman{}.mount(t, pulpRegistry()+"/pulp-worker"+pulpTag)
	for _, name := range []string{
		"usr/bin/pulp-manage-db", "etc/pulp/server.conf", "usr/bin/augtool", "usr/lib/python3/dist-packages/qpid/__init__.py",
		"etc/yum.repos.d/fedora-pulp.repo", "usr/share/augeas/lenses/pulpconf.aug", "usr/bin/pulp-helper", "usr/share/pulpimg/start",
	} {
		if info, err := os.Stat(filepath.Join(root, name)); err != nil || !info.Mode().IsRegular() {
			t.Errorf("pulp-worker: /%s is %v (%v), want a file", name, info, err)
		}
	}
}
