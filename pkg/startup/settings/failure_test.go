//go:build linux

package settings_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/settings"
	"github.com/pulpimg/pulpimg/test/needs"
)

// fails checks that writing fails with one line, FILE standing for the file's name, and leaves the file as it was.
func fails(t *testing.T, file string, want string, write func() error) {
	t.Helper()
	before := fingerprintOf(t, file)
	err := write()
	if want = strings.ReplaceAll(want, "FILE", file); err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if diff := cmp.Diff(before, fingerprintOf(t, file), cmp.AllowUnexported(fingerprint{})); diff != "" {
		t.Errorf("the file has changed (-before +after):\n%s", diff)
	}
	leavesNothingBeside(t, file)
}

func leavesNothingBeside(t *testing.T, file string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(filepath.Dir(file), ".pulp-helper-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v is left beside the file (%v)", left, err)
	}
}

// A file that is no INI file is refused, and the error names the line.
func TestWrite_noINIFile(t *testing.T) {
	const noLine = ": this line is neither a [SECTION], nor a KEY: VALUE in a section, nor a comment: correct it"
	for _, test := range []struct{ name, content, at string }{
		{"no separator", "[s]\na: 1\n\n# c\nwhat is this\nb: 2\n[t]\nc: 3\n", "5:1"},
		{"no separator in the last line", "[s]\na: 1\nwhat", "3:1"},
		{"a key before the first section", "# c\na: 1\n[s]\n", "2:1"},
		{"a section that does not end", "[s]\na: 1\n[t\nb: 2\n", "3:1"},
		{"an indented section before any key", "[s]\n  [t]\n", "2:1"},
		{"an indented key before any other", "[s]\n  a: 1\n", "2:1"},
		{"a separator without a key", "[s]\na: 1\n: 2\n", "3:1"},
		{"a carriage return within a line", "[s]\na: 1\rb: 2\n", "2:1"},
		{"a NUL", "[s]\na: 1\nb: \x00\n", "3:4"},
		{"no text at all", "\x7fELF\x02\x01\x01\x00\x00", "1:8"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := settingsFile(t, test.content)
			fails(t, file, "FILE:"+test.at+noLine, func() error {
				return writer(t).Write(t.Context(), resolved(t, file, "s/k", "v"))
			})
		})
	}
}

// Nothing is written before everything can be.
func TestWrite_allOrNone(t *testing.T) {
	fine, bad := settingsFile(t, "[s]\n"), settingsFile(t, "bad\n")
	missing := filepath.Join(t.TempDir(), "missing")
	dir := t.TempDir()
	want := bad + ":1:1: this line is neither a [SECTION], nor a KEY: VALUE in a section, nor a comment: correct it\n" +
		missing + " cannot be read: no such file or directory: install the package that it belongs to, or mount it\n" +
		dir + " is a directory, which is what a mount becomes if the host has no such file: mount a file that the host has\n" +
		"/dev/null is no regular file: mount one there"
	fails(t, fine, want, func() error {
		return writer(t).Write(t.Context(), resolved(t, fine, "s/k", "v"), resolved(t, bad, "s/k", "v"),
			resolved(t, missing, "s/k", "v"), resolved(t, dir, "s/k", "v"), resolved(t, "/dev/null", "s/k", "v"))
	})
}

// The error names what the image lacks.
func TestWrite_missingFiles(t *testing.T) {
	t.Run("augtool", func(t *testing.T) {
		file := settingsFile(t, "[s]\n")
		t.Setenv("PATH", t.TempDir())
		fails(t, file, "augtool is missing, which writes FILE: install the package augeas (augeas-tools on Debian) into the image", func() error {
			return writer(t).Write(t.Context(), resolved(t, file, "s/k", "v"))
		})
	})
	t.Run("the lens", func(t *testing.T) {
		file := settingsFile(t, "[s]\n")
		want := "there is no lens pulpconf.aug in /usr/share/augeas/lenses or /usr/share/augeas/lenses/dist, which writes FILE: " +
			"add the step `lens: pulpconf.aug` to the spec and build the image again"
		fails(t, file, want, func() error {
			return settings.Writer{LensDirs: settings.LensDirs("")}.Write(t.Context(), resolved(t, file, "s/k", "v"))
		})
	})
	t.Run("a place for temporary files", func(t *testing.T) {
		file := settingsFile(t, "[s]\n")
		t.Setenv("TMPDIR", "/proc/none")
		// /dev/shm is there in every container.
		if err := writer(t).Write(t.Context(), resolved(t, file, "s/k", "v")); err != nil {
			t.Error(err)
		}
	})
}

// A lens of the user's own may refuse a value; what augtool says of it is told, but not if that could hold a secret.
func TestWrite_wrongLens(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"narrow.aug": `module Narrow =
let eol = del /\n/ "\n"
let entry = [ key /[a-z]+/ . del /: / ": " . store /[0-9]+/ . eol ]
let lns = [ label "target" . del "[" "[" . store /[a-z]+/ . del "]" "]" . eol . entry* ]*
`,
		"broken.aug": "module Broken =\nlet lns = nothing\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w := settings.Writer{LensDirs: []string{dir}}
	for _, lens := range []string{"narrow.aug", "broken.aug"} {
		file := settingsFile(t, "[s]\nk: 1\n")
		want := "FILE: augtool cannot write the settings with the lens " + lens + ": what it says is kept back, because it may show a secret"
		fails(t, file, want, func() error { return w.Write(t.Context(), resolvedSecret(t, file, lens, "top secret")) })
	}
	file := settingsFile(t, "[s]\nk: 1\n")
	if err := w.Write(t.Context(), resolvedSecret(t, file, "narrow.aug", "22")); err != nil {
		t.Errorf("the lens does not write what it can: %v", err)
	}
	for lens, want := range map[string]string{"narrow.aug": "narrow.aug: Failed to match tree under /files/f/target", "broken.aug": "broken.aug:2"} {
		one, err := settings.Resolve(settingsOf(file, lens, "s/k", "letters"), noEnvironment)
		if err != nil {
			t.Fatal(err)
		}
		err = w.Write(t.Context(), one)
		if err == nil || !strings.Contains(err.Error(), want) || strings.ContainsAny(err.Error(), "\n{") {
			t.Errorf("got %v, want one line with %q and nothing of the file", err, want)
		}
	}
}

// Augeas before 1.14 counts brackets in values, too. Here a program stands in for it that does so and says what it says.
func TestWrite_oldAugeas(t *testing.T) {
	tools := t.TempDir()
	const old = "#!/bin/sh\necho 'error: unmatched [' >&2\nexit 1\n"
	if err := os.WriteFile(filepath.Join(tools, "augtool"), []byte(old), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	file := settingsFile(t, "[s]\n")
	want := "FILE: augtool cannot write the settings with the lens pulpconf.aug: a value has a ] with no [ before it, " +
		"which Augeas takes from 1.14 on: give another value, or install a newer one"
	fails(t, file, want, func() error { return writer(t).Write(t.Context(), resolvedSecret(t, file, lens, "a]b")) })
}

// unshared runs the test again in a process with mounts of its own, and reports whether this is that process.
func unshared(t *testing.T) bool {
	t.Helper()
	const variable = "PULPIMG_TEST_UNSHARED"
	if os.Getenv(variable) == t.Name() {
		return true
	}
	needs.Root(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"="+t.Name())
	cmd.SysProcAttr = &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("in a process with mounts of its own: %v\n%s", err, out)
	}
	return false
}

func mount(t *testing.T, from, to, kind string, flags uintptr, data string) {
	t.Helper()
	if err := syscall.Mount(from, to, kind, flags, data); err != nil {
		t.Fatalf("mount %s: %v", to, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(to, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func bind(t *testing.T, from, to string, readOnly bool) {
	t.Helper()
	mount(t, from, to, "", syscall.MS_BIND, "")
	if readOnly {
		if err := syscall.Mount("", to, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
	}
}

// That is how a runtime mounts a single file of the host: it can be written, but nothing can take its place.
func TestWrite_mountedFile(t *testing.T) {
	if !unshared(t) {
		return
	}
	for name, readOnlyDir := range map[string]bool{"in a directory": false, "in a read-only directory": true} {
		t.Run(name, func(t *testing.T) {
			host, file := settingsFile(t, "[s]\nk: "+strings.Repeat("long", 100)+"\n"), settingsFile(t, "")
			if readOnlyDir {
				bind(t, filepath.Dir(file), filepath.Dir(file), true)
			}
			bind(t, host, file, false)
			before := fingerprintOf(t, file)
			if err := writer(t).Write(t.Context(), resolved(t, file, "s/k", "v")); err != nil {
				t.Fatal(err)
			}
			after := fingerprintOf(t, file)
			if want := "[s]\nk: v\n"; after.content != want || read(t, host) != want {
				t.Errorf("got %q, want %q", after.content, want)
			}
			if after.inode != before.inode || after.mode != before.mode {
				t.Error("it is another file")
			}
			leavesNothingBeside(t, file)
		})
	}
}

func TestWrite_readOnly(t *testing.T) {
	if !unshared(t) {
		return
	}
	const want = "FILE cannot be written: read-only file system: mount the file so that it can be written"
	t.Run("a mounted file", func(t *testing.T) {
		host, file := settingsFile(t, "[s]\nk: old\n"), settingsFile(t, "")
		bind(t, host, file, true)
		fails(t, file, want, func() error { return writer(t).Write(t.Context(), resolved(t, file, "s/k", "new")) })
		if err := writer(t).Write(t.Context(), resolved(t, file, "s/k", "old")); err != nil {
			t.Errorf("a read-only file that has the values is no reason to fail: %v", err)
		}
	})
	t.Run("a file system", func(t *testing.T) {
		file := settingsFile(t, "[s]\nk: old\n")
		bind(t, filepath.Dir(file), filepath.Dir(file), true)
		fails(t, file, want, func() error { return writer(t).Write(t.Context(), resolved(t, file, "s/k", "new")) })
	})
	t.Run("beside one that is not", func(t *testing.T) {
		fine, file := settingsFile(t, "[s]\nk: old\n"), settingsFile(t, "[s]\nk: old\n")
		bind(t, file, file, true)
		fails(t, fine, strings.ReplaceAll(want, "FILE", file), func() error {
			return writer(t).Write(t.Context(), resolved(t, fine, "s/k", "new"), resolved(t, file, "s/k", "new"))
		})
	})
}

// A full disk leaves the file as it was.
func TestWrite_fullDisk(t *testing.T) {
	if !unshared(t) {
		return
	}
	for name, mounted := range map[string]bool{"a file": false, "a mounted file": true} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			mount(t, "none", dir, "tmpfs", 0, "size=4k")
			file := filepath.Join(dir, "server.conf")
			if err := os.WriteFile(file, []byte("[s]\nk: old\n"), 0o640); err != nil {
				t.Fatal(err)
			}
			if mounted {
				elsewhere := settingsFile(t, "")
				bind(t, file, elsewhere, false)
				file = elsewhere
			}
			first := settingsFile(t, "[s]\nk: first\n")
			fails(t, file, "FILE cannot be written: no space left on device", func() error {
				return writer(t).Write(t.Context(), resolved(t, first, "s/k", "new"), resolved(t, file, "s/k", strings.Repeat("long", 5000)))
			})
			if got := read(t, first); got != "[s]\nk: first\n" {
				t.Errorf("the file that was written before is left as %q", got)
			}
			leavesNothingBeside(t, first)
		})
	}
}
