//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// private are the directories of the host in whose place the engine gets empty ones.
var private = []struct {
	dir    string
	create bool
}{
	// buildkitd reads defaults from here, even if --config names another file.
	{dir: "/etc/buildkit"},
	// runc keeps its records of running containers here, and after a kill nothing would remove them.
	{dir: "/run/runc", create: true},
	// buildkitd makes a socket for traces here, and so does another buildkitd of the host.
	{dir: "/run/buildkit", create: true},
}

// mounts prepares the mount namespace. The host does not see what buildkitd mounts in it, and the kernel unmounts all of it when the last
// process has ended.
func mounts() error {
	// Changes that the host makes still arrive here, so that this namespace keeps nothing busy that the host unmounts.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SLAVE, ""); err != nil {
		return fmt.Errorf("making a mount namespace for the engine: %w", err)
	}
	// runc looks in /proc for its containers, by their process IDs in this PID namespace.
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc for the engine: %w", err)
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
		return fmt.Errorf("mounting an empty %s for the engine: %w", dir, err)
	}
	return nil
}
