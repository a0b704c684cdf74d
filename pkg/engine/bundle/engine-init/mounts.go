//go:build linux

package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// configDir is where buildkitd reads defaults from, even if --config names another file.
const configDir = "/etc/buildkit"

// private are the directories of the host in whose place the engine gets empty ones.
var private = []struct {
	dir    string
	create bool
}{
	{dir: configDir},
	// runc keeps its records of running containers here, and after a kill nothing would remove them.
	{dir: "/run/runc", create: true},
	// buildkitd makes a socket for traces here, and so does another buildkitd of the host.
	{dir: "/run/buildkit", create: true},
}

// mounts prepares the mount namespace. The host does not see what buildkitd mounts in it, and the kernel unmounts all of it when the last
// process has ended.
//
// Without a runtime directory, this process is root of the machine, and the places of what runs are those in /run. Otherwise they are in the
// directory, which the environment names (XDG_RUNTIME_DIR).
func mounts(runtimeDir string) (exitCode int, err error) {
	// Changes that the host makes still arrive here, so that this namespace keeps nothing busy that the host unmounts.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SLAVE, ""); err != nil {
		return noMounts, fmt.Errorf("making a mount namespace for the engine: %w", err)
	}
	// runc looks in /proc for its containers, by their process IDs in this PID namespace.
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return noProc, fmt.Errorf("mounting /proc for the engine: %w", err)
	}
	if runtimeDir != "" {
		return 1, errors.Join(mountEmpty(configDir, false), mountEmpty(runtimeDir, true))
	}
	for _, p := range private {
		if err := mountEmpty(p.dir, p.create); err != nil {
			return 1, err
		}
	}
	return 0, nil
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
