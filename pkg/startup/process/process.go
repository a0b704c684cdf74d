//go:build linux

package process

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
)

// A Process is what the running program becomes.
type Process struct {
	// User is the name or the number of a user; empty stays who it is.
	User string
	// Dir is the working directory; empty stays where it is.
	Dir string
	// Umask is the file mode creation mask, or negative to keep it.
	Umask int
	// Command is the program and its arguments. A program without a slash is looked up in PATH.
	Command []string
	// Env is the environment, which the command gets as it is.
	Env []string
}

// Become replaces the running program. It returns only when that is impossible; then some of the changes may have been made, and the
// program should end.
func (p Process) Become() error {
	if len(p.Command) == 0 {
		return errors.New("there is no command to become")
	}
	if p.User != "" {
		u, err := lookUp(p.User)
		if err != nil {
			return err
		}
		if err := u.takeOn(); err != nil {
			return err
		}
	}
	if p.Umask >= 0 {
		syscall.Umask(p.Umask)
	}
	// Only after becoming the user: it must be allowed to enter the directory, and root always is.
	if p.Dir != "" {
		if err := os.Chdir(p.Dir); err != nil {
			return fmt.Errorf("entering the working directory %s%s: %w", p.Dir, p.as(), reason(err))
		}
	}
	program, err := find(p.Command[0], p.Env)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Command[0], err)
	}
	return fmt.Errorf("becoming %s%s: %w", program, p.as(), syscall.Exec(program, p.Command, p.Env))
}

func (p Process) as() string {
	if p.User == "" {
		return ""
	}
	return " as " + p.User
}

// find looks a program up in the PATH of the environment that it will have.
func find(program string, env []string) (string, error) {
	if strings.Contains(program, "/") {
		return program, nil
	}
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	if at := slices.IndexFunc(env, func(assignment string) bool { return strings.HasPrefix(assignment, "PATH=") }); at >= 0 {
		path = strings.TrimPrefix(env[at], "PATH=")
	}
	for _, dir := range strings.Split(path, ":") {
		candidate := cmp.Or(dir, ".") + "/" + program // an empty one is the working directory, says POSIX
		if found, err := exec.LookPath(candidate); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("there is no such command in the image (PATH is %s)", path)
}

// reason returns an error without the path, which the message has already.
func reason(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
