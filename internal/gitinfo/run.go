package gitinfo

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	// timeout is how long one question may take. In a large tree that was not read for long, git status takes a while.
	timeout = 2 * time.Minute
	// maxOutput is how much of an answer is kept. Only a list of changed files is longer, of which one is enough.
	maxOutput = 64 << 10
	// grace is how long programs that git started may keep its output open after it ended.
	grace = time.Second
)

// find returns an error if the directory is in no repository, or in one that git refuses. That there is none is told by the names of files:
// git says so in words that are for people.
func (r *Repository) find(ctx context.Context) error {
	dir, err := filepath.Abs(r.dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return &Error{Problem: Failed, Dir: r.dir, Err: err}
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Lstat(filepath.Join(at, ".git")); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		if at == filepath.Dir(at) {
			return &Error{Problem: NoRepository, Dir: r.dir}
		}
	}
	if _, err := exec.LookPath(r.git); err != nil {
		return &Error{Problem: NoGit, Dir: r.dir, Err: err}
	}
	_, err = r.run(ctx, "rev-parse", "--git-dir")
	return err
}

// run runs git in the directory and returns what it prints, without white space around it.
func (r *Repository) run(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	// No hook of the repository runs: neither the one that tells which files changed, nor one that is told that the index was written.
	args = append([]string{"-c", "core.fsmonitor=false", "-c", "core.hooksPath=" + os.DevNull}, args...)
	cmd := exec.CommandContext(ctx, r.git, args...)
	cmd.Dir, cmd.Env, cmd.WaitDelay = r.dir, environ(os.Environ()), grace
	var out, messages limited
	cmd.Stdout, cmd.Stderr = &out, &messages
	err := cmd.Run()
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return out.text(), nil
	case ctx.Err() != nil:
		err = ctx.Err()
	}
	return "", &Error{Problem: Failed, Dir: r.dir, Output: oneLine(messages.text()), Err: err}
}

func exitCode(err error) (code int, ok bool) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return 0, false
	}
	return exit.ExitCode(), true
}

// kept are the environment variables that say how git works on this machine. All others are about another repository, such as the one whose
// hook started this program, or about what people see.
var kept = []string{"GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_EXEC_PATH"}

// environ returns an environment for git.
func environ(all []string) []string {
	out := slices.DeleteFunc(slices.Clone(all), func(assignment string) bool {
		name, _, _ := strings.Cut(assignment, "=")
		return strings.HasPrefix(name, "GIT_") && !strings.HasPrefix(name, "GIT_CONFIG_") && !slices.Contains(kept, name)
	})
	return append(out,
		"LC_ALL=C",
		"GIT_OPTIONAL_LOCKS=0", // the index is not written, not even with what status found out
		"GIT_TERMINAL_PROMPT=0",
		"GIT_ALLOW_PROTOCOL=", // nothing is fetched that a partial clone lacks
		"GIT_NO_LAZY_FETCH=1",
	)
}

// oneLine returns what git says without its line ends.
func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}

// limited keeps the beginning of what is written to it.
type limited struct{ kept bytes.Buffer }

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	_, _ = l.kept.Write(p[:min(len(p), maxOutput-l.kept.Len())])
	return len(p), nil
}

func (l *limited) text() string { return strings.TrimSpace(l.kept.String()) }
