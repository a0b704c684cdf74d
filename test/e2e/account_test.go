package e2e

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
)

// accounts counts those that were made, to give each a name.
var accounts atomic.Int64

// An account is that of an ordinary user of this machine.
type account struct {
	name, home string
	id         syscall.Credential
}

// newAccount makes a user with a home for the length of the test. useradd gives the user a range of IDs for user namespaces, as installers do.
func newAccount(t *testing.T) account {
	t.Helper()
	name := fmt.Sprintf("pulpimg%d-%d", os.Getpid(), accounts.Add(1))
	root(t, "useradd", "--create-home", "--base-dir", "/home", "--shell", "/bin/sh", name)
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		eventually(t, name+" has no processes", func() bool { return exec.Command("pgrep", "-u", name).Run() != nil })
		root(t, "userdel", name)
		if err := os.RemoveAll(u.HomeDir); err != nil {
			t.Error(err)
		}
	})
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		t.Fatal(uidErr, gidErr)
	}
	a := account{name: name, home: u.HomeDir, id: syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	// The checkout and the directory of the tests may be closed to others.
	a.copy(t, filepath.Join(env.bin, "pulpimg"), "pulpimg", 0o755)
	a.copy(t, env.lab.Policy, "policy.json", 0o644)
	return a
}

// root runs a program as root.
func root(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// copy copies a file into the user's home.
func (a account) copy(t *testing.T, from, to string, mode os.FileMode) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	to = filepath.Join(a.home, to)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// wrapped returns a directory with a pulpimg that root can run, and that runs as the user.
func (a account) wrapped(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	text := fmt.Sprintf("#!/bin/sh\nexec setpriv --reuid %d --regid %d --clear-groups -- %s/pulpimg \"$@\"\n", a.id.Uid, a.id.Gid, a.home)
	if err := os.WriteFile(filepath.Join(dir, "pulpimg"), []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// own gives a directory with all that is in it to the user, who can go there.
func (a account) own(dir string) error {
	if err := os.Chmod(filepath.Dir(dir), 0o711); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, int(a.id.Uid), int(a.id.Gid))
	})
}

// start starts a program as the user, in the home directory.
func (a account) start(t *testing.T, name string, args ...string) *process {
	t.Helper()
	s := &process{cmd: exec.Command(name, args...)}
	s.cmd.Dir = a.home
	s.cmd.Env = []string{"PATH=" + a.home + ":" + os.Getenv("PATH"), "HOME=" + a.home, "USER=" + a.name}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &a.id}
	s.cmd.Stdout, s.cmd.Stderr = &s.stdout, &s.stderr
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.cmd.Process.Kill() }) // of a test that failed before it waited
	return s
}

// pulpimg runs pulpimg as the user.
func (a account) pulpimg(t *testing.T, args ...string) outcome {
	t.Helper()
	return a.start(t, filepath.Join(a.home, "pulpimg"), args...).wait(t)
}

// build builds under the lab's policy.
func (a account) build(t *testing.T, args ...string) outcome {
	t.Helper()
	return a.pulpimg(t, append([]string{"build", "--source-policy", "policy.json"}, args...)...)
}

// cache is the user's cache.
func (a account) cache() string { return filepath.Join(a.home, ".cache", "pulpimg") }

// withoutIDs takes the range of IDs away.
func (a account) withoutIDs(t *testing.T) {
	t.Helper()
	for _, file := range []string{"/etc/subuid", "/etc/subgid"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var kept []byte
		for line := range bytes.Lines(text) {
			if !bytes.HasPrefix(line, []byte(a.name+":")) {
				kept = append(kept, line...)
			}
		}
		if err := os.WriteFile(file, kept, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
