package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// prepare makes the machine: its mounts, its network, its cgroup and its files.
func (m *host) prepare(ctx context.Context) error {
	if os.Getpid() != 1 {
		return fmt.Errorf("the machine's first process has number %d: it is not in namespaces of its own", os.Getpid())
	}
	for _, step := range []func() error{m.keepKernel, m.writeFiles, m.mount, func() error { return network(ctx) }, m.syslog, m.makeCgroups} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// mount lets the machine have places of its own where programs have theirs by name.
func (m *host) mount() error {
	// Nothing gets out; below that, the kubelet wants mounts to be shared.
	if err := errors.Join(syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SLAVE, ""), syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_SHARED, "")); err != nil {
		return fmt.Errorf("making the mounts of the machine its own: %w", err)
	}
	devices, err := m.overlay("/dev")
	if err != nil {
		return err
	}
	state, err := m.overlay("/var/lib")
	if err != nil {
		return err
	}
	mounts := []struct{ source, target, kind, options string }{
		{"proc", "/proc", "proc", ""},
		{"tmpfs", "/run", "tmpfs", "mode=755"},
		{"tmpfs", "/var/log", "tmpfs", "mode=755"},
		{"overlay", "/var/lib", "overlay", state}, // for cni and kubelet
		{"overlay", "/dev", "overlay", devices},   // for a /dev/log
		{"devpts", "/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=620"},
		{"tmpfs", "/dev/shm", "tmpfs", ""},
	}
	for _, mount := range mounts {
		if err := syscall.Mount(mount.source, mount.target, mount.kind, 0, mount.options); err != nil {
			return fmt.Errorf("mounting %s: %w", mount.target, err)
		}
	}
	// The name servers of the real machine cannot be asked here.
	if err := syscall.Mount(filepath.Join(m.dir, "resolv.conf"), "/etc/resolv.conf", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("mounting /etc/resolv.conf: %w", err)
	}
	return nil
}

// overlay returns the options of an overlay on a directory, whose changes are in the cluster's directory.
func (m *host) overlay(dir string) (options string, err error) {
	changes := filepath.Join(m.dir, "overlay", filepath.Base(dir))
	upper, work := filepath.Join(changes, "upper"), filepath.Join(changes, "work")
	if err := errors.Join(os.MkdirAll(upper, 0o755), os.MkdirAll(work, 0o755)); err != nil {
		return "", err
	}
	return "lowerdir=" + dir + ",upperdir=" + upper + ",workdir=" + work, nil
}

// network gives the machine an address, and a route to nowhere: where Services lead is found before packets are sent.
func network(ctx context.Context) error {
	for _, args := range []string{
		"link set lo up", "link add node0 type veth peer name nowhere", "link set nowhere up", "addr add " + Node + "/24 dev node0", "link set node0 up",
		"route add default dev node0",
	} {
		if out, err := exec.CommandContext(ctx, "ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
	}
	return nil
}

// syslog is the socket that Pulp requires. What it is told is thrown away.
func (m *host) syslog() error {
	if err := os.Remove("/dev/log"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: "/dev/log", Net: "unixgram"})
	if err != nil {
		return err
	}
	go func() { // ends with the process
		for buffer := make([]byte, 64<<10); ; {
			if _, err := socket.Read(buffer); err != nil {
				return
			}
		}
	}()
	return os.Chmod("/dev/log", 0o666)
}

// hierarchies returns where cgroups are: one directory, or with the first version one of each controller.
func hierarchies() ([]string, error) {
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err == nil {
		return []string{"/sys/fs/cgroup"}, nil
	}
	return filepath.Glob("/sys/fs/cgroup/*")
}

func (m *host) makeCgroups() error {
	dirs, err := hierarchies()
	for _, dir := range dirs {
		err = errors.Join(err, os.MkdirAll(filepath.Join(dir, m.cgroup), 0o755))
	}
	return err
}

// removeCgroups removes a cgroup without processes, with those in it.
func removeCgroups(name string) error {
	dirs, err := hierarchies()
	for _, dir := range dirs {
		var found []string
		walk := filepath.WalkDir(filepath.Join(dir, name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				found = append(found, path)
			}
			return err
		})
		if errors.Is(walk, fs.ErrNotExist) {
			continue
		}
		err = errors.Join(err, walk)
		for _, path := range slices.Backward(found) {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// unmountBelow unmounts what is mounted in a directory, the newest mount first.
func unmountBelow(dir string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	var errs []error
	for _, line := range slices.Backward(strings.Split(strings.TrimSpace(string(table)), "\n")) {
		// https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			errs = append(errs, syscall.Unmount(fields[4], syscall.MNT_DETACH))
		}
	}
	return errors.Join(errs...)
}
