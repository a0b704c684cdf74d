package inlab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
)

// programVar names the pulpimg to test. The Makefile sets it to the one that it has built.
const programVar = "PULPIMG"

// Root returns the directory of the repository: the one above the working directory that has the lab.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for at := dir; ; at = filepath.Dir(at) {
		_, err := os.Stat(filepath.Join(at, "test", "lab", "go.mod"))
		if err == nil {
			return at, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			return "", fmt.Errorf("%s is not in the repository of pulpimg: %w", dir, err)
		}
	}
}

// Make brings files of the repository up to date.
func Make(targets ...string) error {
	root, err := Root()
	if err != nil {
		return err
	}
	cmd := exec.Command("make", append([]string{"-s"}, targets...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "MAKEFLAGS=") // a make above this one has flags that are not meant for this one
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make %v: %w\n%s", targets, err, out)
	}
	return nil
}

// made brings a file of the repository up to date and returns its path.
func made(name string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	return filepath.Join(root, filepath.FromSlash(name)), Make(name)
}

// Program returns the path of the pulpimg to test: the one that PULPIMG names, or bin/pulpimg, up to date.
func Program() (string, error) {
	given := os.Getenv(programVar)
	if given == "" {
		return made("bin/pulpimg")
	}
	program, err := filepath.Abs(given)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("%s names the program to test: %w", programVar, err)
	}
	return program, nil
}

// Helper returns the path of pulp-helper for this machine, up to date.
func Helper() (string, error) { return made("assets/helper/pulp-helper-linux-" + runtime.GOARCH) }

// Watch looks at everything that the programs and the lab are made of. `go test` keeps a result for as long as the files that a test looked
// at are the same, and does not know of those that make reads. It counts only what tests look at, not TestMain.
var Watch = sync.OnceValue(func() error {
	root, err := Root()
	if err != nil {
		return err
	}
	for _, dir := range []string{"assets", "cmd", "examples", "internal", "pkg", "specs", "templates", "test/lab", "go.mod", "go.sum"} {
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
})
