package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/test/inlab"
)

// An environment is what all tests share.
type environment struct {
	root string // of the repository
	dir  string // for what is made here; removed at the end
	bin  string // the directory of the program
	lab  inlab.Lab
	// place begins the names of all repositories that the tests publish. The lab's registry keeps what is in it, and what an earlier run
	// published must not be taken for the work of this one.
	place string
	lanes lanes
	// pulled has the digest of each image that podman has pulled, by reference: asking podman takes it half a second.
	pulled sync.Map
}

// env is set by TestMain, before any test runs.
var env environment

func TestMain(m *testing.M) {
	inlab.Main("e2e", func(l inlab.Lab) (int, error) { return run(m, l) })
}

func run(m *testing.M, l inlab.Lab) (code int, err error) {
	env.lab = l
	flag.Parse()
	if err := letLanesDecide(); err != nil {
		return 0, err
	}
	env.place = fmt.Sprintf("/run%d", time.Now().UnixNano())
	if env.root, err = inlab.Root(); err != nil {
		return 0, err
	}
	program, err := inlab.Program()
	if err != nil {
		return 0, err
	}
	if env.dir, err = os.MkdirTemp("", "pulpimg-e2e-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cleanUp()) }()
	env.bin = filepath.Join(env.dir, "bin")
	if err := errors.Join(os.Mkdir(env.bin, 0o755), os.Symlink(program, filepath.Join(env.bin, "pulpimg"))); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// cleanUp removes what the tests left, and says so when processes are among that.
func cleanUp() error {
	var err error
	if left := processes(env.dir); len(left) > 0 {
		err = fmt.Errorf("processes are left: %v", left)
	}
	// Podman mounts its store onto itself, and leaves it like that after a container that ended by itself.
	return errors.Join(err, unmountBelow(env.dir), os.RemoveAll(env.dir))
}

// unmountBelow unmounts what is mounted in a directory, the newest mount first.
func unmountBelow(dir string) error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")
	var errs []error
	for _, line := range slices.Backward(lines) {
		// https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html
		if fields := strings.Fields(line); len(fields) > 4 && strings.HasPrefix(fields[4], dir+"/") {
			errs = append(errs, syscall.Unmount(fields[4], 0))
		}
	}
	return errors.Join(errs...)
}

// tool runs a program that the tests need done.
func tool(dir, name string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}
