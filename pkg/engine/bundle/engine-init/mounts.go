//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// private are directories of the host that the engine gets an empty one of its
// own instead of.
var private = []struct {
	dir    string
	create bool
}{
	// buildkitd reads its defaults from here even when --config names another file.
	{dir: "/etc/buildkit"},
	// runc's record of running containers, which nobody would clear after a kill.
	{dir: "/run/runc", create: true},
	// Where buildkitd puts a socket for traces; another buildkitd of the host may have its own there.
	{dir: "/run/buildkit", create: true},
}

// mounts prepares the mount namespace. What buildkitd mounts in it, the host
// never sees, and the kernel unmounts when the last process has ended.
func mounts() error {
	// Changes made by the host still arrive, so that nothing it unmounts is kept busy here.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("make a mount namespace of the engine's own: %w", err)
	}
	// runc looks its containers up in /proc by the numbers of this PID namespace.
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount /proc for the engine: %w", err)
	}
	for _, p := range private {
		if err := mountEmpty(p.dir, p.create); err != nil {
			return err
		}
	}
	return nil
}

func mountEmpty(dir string, create bool) error {
	if create {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_NOSUID|syscall.MS_NODEV, "mode=0700"); err != nil {
		return fmt.Errorf("mount an empty %s for the engine: %w", dir, err)
	}
	return nil
}
