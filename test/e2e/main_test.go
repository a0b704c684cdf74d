package e2e

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// An environment is what all tests share.
type environment struct {
	root string // of the repository
	dir  string // for what is made here; removed at the end
	bin  string // the directory of the program
	lab  lab
	// place begins the names of all repositories that the tests publish. The lab's registry keeps what is in it, and what an earlier run
	// published must not be taken for the work of this one.
	place string
}

// env is set by TestMain, before any test runs.
var env environment

// programVar names the program to test, instead of one that is compiled here.
const programVar = "PULPIMG"

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	env.root, err = filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		return 0, err
	}
	if env.dir, err = os.MkdirTemp("", "pulpimg-e2e-"); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cleanUp()) }()
	if err := watchSources(env.root); err != nil {
		return 0, err
	}
	if env.bin, err = makeProgram(env.root, env.dir); err != nil {
		return 0, err
	}
	running, err := startLab(env.root, env.dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, running.stop()) }()
	env.lab = running.lab
	env.place = fmt.Sprintf("/run%d", time.Now().UnixNano())
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

// watchSources looks at all that the program is made of. `go test` keeps a result for as long as the files that a test looked at are
// the same, and cannot know of those that the compiler reads.
func watchSources(root string) error {
	for _, dir := range []string{"assets", "cmd", "examples", "internal", "pkg", "specs", "templates", "test/lab"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(name string, _ fs.DirEntry, err error) error {
			if err == nil {
				_, err = os.Stat(name)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// makeProgram returns the directory of the program. The Makefile knows what has to be there before it can be compiled, the tools that
// the tests use included.
func makeProgram(root, dir string) (string, error) {
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return "", err
	}
	program := filepath.Join(bin, "pulpimg")
	if given := os.Getenv(programVar); given != "" {
		given, err := filepath.Abs(given)
		if err != nil {
			return "", err
		}
		return bin, os.Symlink(given, program)
	}
	if err := tool(root, "make", "-s", "engine", "assets/helper/pulp-helper-linux-amd64", "assets/helper/pulp-helper-linux-arm64"); err != nil {
		return "", err
	}
	return bin, tool(root, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=e2e", "-o", program, "./cmd/pulpimg")
}

// tool runs a program that the tests need done.
func tool(dir, name string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Dir = dir
	// A make above this one is none of its business.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "MAKEFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
	return nil
}
