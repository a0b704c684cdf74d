package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/pulpimg/pulpimg/test/inlab"
)

// A rootlessComparison is the times of a first build by root and by an ordinary user, and the target: how much of root's time the
// user's may take.
type rootlessComparison struct {
	root, rootless times
	target         float64
}

func (c rootlessComparison) ratio() float64 {
	return float64(c.rootless.median()) / float64(c.root.median())
}

// coldRuns is how often a family is built with an empty cache.
const coldRuns = 3

// measureRootless has root and an ordinary user take turns to build and publish the Pulp family, each time with an empty cache.
func measureRootless(ctx context.Context, b bench, found *findings) (err error) {
	c := rootlessComparison{target: 1.3}
	u, remove, err := newUser(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	for name, from := range map[string]string{"pulpimg": "bin/pulpimg", "pulp.yaml": "specs/pulp.yaml", "policy.json": b.lab.Policy} {
		data, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(u.home, name), data, 0o755); err != nil {
			return err
		}
	}
	root := coldUser{home: filepath.Join(b.dir, "root"), files: u.home}
	if err := os.Mkdir(root.home, 0o755); err != nil {
		return err
	}
	for range coldRuns {
		for _, turn := range []struct {
			who coldUser
			all *times
		}{{root, &c.root}, {u, &c.rootless}} {
			took, err := turn.who.build(ctx, b.lab)
			if err != nil {
				return err
			}
			*turn.all = append(*turn.all, took)
		}
	}
	found.rootless = &c
	return nil
}

// A coldUser builds with a cache that is empty each time.
type coldUser struct {
	home  string
	files string
	id    *syscall.Credential // nil for root
}

// newUser makes a user with IDs for a user namespace, as useradd gives them, and returns what removes the user again.
func newUser(ctx context.Context) (coldUser, func() error, error) {
	name := fmt.Sprintf("pulpimg-bench-%d", os.Getpid())
	if out, err := exec.CommandContext(ctx, "useradd", "--create-home", "--shell", "/bin/sh", name).CombinedOutput(); err != nil {
		return coldUser{}, nil, fmt.Errorf("making a user: %w\n%s", err, out)
	}
	remove := func() error {
		out, err := exec.Command("userdel", "--remove", name).CombinedOutput()
		if err != nil {
			return fmt.Errorf("removing the user %s: %w\n%s", name, err, out)
		}
		return nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return coldUser{}, nil, errors.Join(err, remove())
	}
	uid, uidErr := strconv.ParseUint(u.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return coldUser{}, nil, errors.Join(err, remove())
	}
	return coldUser{home: u.HomeDir, files: u.HomeDir, id: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, remove, nil
}

// command returns a pulpimg of the user's.
func (u coldUser) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(u.files, "pulpimg"), args...)
	cmd.Dir = u.files
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + u.home, "XDG_CACHE_HOME=" + filepath.Join(u.home, ".cache")}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: u.id}
	return cmd
}

// build builds and publishes the family, empties the cache, and returns how long the build took.
func (u coldUser) build(ctx context.Context, l inlab.Lab) (time.Duration, error) {
	place := fmt.Sprintf("%s/bench/cold%d", l.Registry, time.Now().UnixNano()) // where nothing is yet
	begin := time.Now()
	out, err := u.command(ctx, "build", "--push", "--progress", "quiet", "-f", "pulp.yaml", "--source-policy", "policy.json", "--registry", place).CombinedOutput()
	took := time.Since(begin)
	if err != nil {
		return 0, fmt.Errorf("building in %s: %w\n%s", u.home, err, out)
	}
	if out, err := u.command(ctx, "engine", "prune").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("emptying the cache in %s: %w\n%s", u.home, err, out)
	}
	return took, os.RemoveAll(filepath.Join(u.home, ".cache"))
}
