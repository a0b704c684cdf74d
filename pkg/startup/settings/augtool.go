//go:build linux

package settings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// LensDirs returns the directories where Augeas looks for lenses: those of the environment variable AUGEAS_LENS_LIB, with colons
// between them, then the place for lenses that do not come with Augeas, then that for those that do.
// https://augeas.net/docs/references/1.14.0/augtool.html
func LensDirs(lensLib string) []string {
	dirs := slices.DeleteFunc(strings.Split(lensLib, ":"), func(dir string) bool { return dir == "" })
	return append(dirs, "/usr/share/augeas/lenses", "/usr/share/augeas/lenses/dist")
}

// A parseError is a file that the lens cannot read. Line and column count from 1.
type parseError struct {
	file         string
	line, column int
}

func (e *parseError) Error() string {
	return fmt.Sprintf("%s:%d:%d: this line is neither a [SECTION], nor a KEY: VALUE in a section, nor a comment: correct it", e.file, e.line, e.column)
}

// edit returns the content of a file with values in it. One augtool does the work, in a directory that only this process's user can
// read: values may be secret, and a command line is for everybody to see.
func (w Writer) edit(ctx context.Context, content []byte, f File) ([]byte, error) {
	program, err := exec.LookPath("augtool")
	if err != nil {
		return nil, fmt.Errorf("augtool is missing, which writes %s: install the package augeas (augeas-tools on Debian) into the image", f.path)
	}
	if err := w.findLens(f); err != nil {
		return nil, err
	}
	dir, err := makeTemp()
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	root := filepath.Join(dir, "root")
	copied := filepath.Join(root, copyName)
	err = errors.Join(
		os.Mkdir(root, 0o700),
		os.WriteFile(copied, content, 0o600),
		os.WriteFile(filepath.Join(dir, "script"), []byte(script(f.values)), 0o600),
		os.WriteFile(filepath.Join(dir, "inputrc"), []byte(inputrc), 0o600),
	)
	if err != nil {
		return nil, fmt.Errorf("copying %s to work on it: %w", f.path, err)
	}
	if err := w.run(ctx, program, dir, f); err != nil {
		return nil, err
	}
	return os.ReadFile(copied)
}

// inputrc makes augtool read its script unchanged: it uses readline, which would follow the configuration of the user or the system.
// https://tiswww.case.edu/php/chet/readline/readline.html#Readline-Init-File
const inputrc = `set convert-meta off
set input-meta on
set output-meta on
set disable-completion on
`

// makeTemp makes a directory for temporary files. The root file system of a container may be read-only; runtimes mount /dev/shm.
// https://github.com/opencontainers/runtime-spec/blob/main/config-linux.md#default-filesystems
func makeTemp() (string, error) {
	dir, err := os.MkdirTemp("", "pulp-helper-")
	if err == nil {
		return dir, nil
	}
	if dir, shmErr := os.MkdirTemp("/dev/shm", "pulp-helper-"); shmErr == nil {
		return dir, nil
	}
	return "", fmt.Errorf("there is no place for temporary files, mount one at %s: %w", os.TempDir(), err)
}

func (w Writer) findLens(f File) error {
	for _, dir := range w.LensDirs {
		if _, err := os.Stat(filepath.Join(dir, f.lens)); err == nil {
			return nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("looking for the lens that writes %s: %w", f.path, err)
		}
	}
	return fmt.Errorf("there is no lens %s in %s, which writes %s: add the step `lens: %s` to the spec and build the image again",
		f.lens, strings.Join(w.LensDirs, " or "), f.path, f.lens)
}

// run runs augtool on the copy in a directory.
func (w Writer) run(ctx context.Context, program, dir string, f File) error {
	args := []string{"--root", filepath.Join(dir, "root"), "--noautoload", "--file", filepath.Join(dir, "script"),
		"--transform", strings.TrimSuffix(f.lens, ".aug") + ".lns incl /" + copyName}
	for _, lenses := range w.LensDirs {
		args = append(args, "--include", lenses)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	// In the locale C a byte is a character, which suits every file. augtool keeps a history in the home directory.
	cmd.Env = append(os.Environ(), "LC_ALL=C", "HOME="+dir, "INPUTRC="+filepath.Join(dir, "inputrc"))
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if line, column, failed := parseFailure(stdout.String()); failed {
		return &parseError{f.path, line, column}
	}
	if err == nil && stderr.Len() == 0 && !strings.Contains(stdout.String(), errorPath) {
		return nil
	}
	return fmt.Errorf("%s: augtool cannot write the settings with the lens %s: %s", f.path, f.lens, reason(f, stdout.String(), stderr.String(), err))
}

var (
	// failure matches how augtool prints where it could not read a file. It counts lines from 1 and columns from 0.
	failure = regexp.MustCompile(`(?s)` + regexp.QuoteMeta(errorPath) + ` = "parse_failed".*?/error/line = "(\d+)".*?/error/char = "(\d+)"`)
	// message matches how it prints what else was wrong, up to the end of a line: after that come parts of the file.
	message = regexp.MustCompile(regexp.QuoteMeta(errorPath) + `/message = "((?:[^"\\]|\\[^n])*)`)
)

func parseFailure(stdout string) (line, column int, failed bool) {
	found := failure.FindStringSubmatch(stdout)
	if found == nil {
		return 0, 0, false
	}
	line, lineErr := strconv.Atoi(found[1])
	column, columnErr := strconv.Atoi(found[2])
	return line, column + 1, lineErr == nil && columnErr == nil
}

// reason returns augtool's output in one line, or a text that it cannot be shown.
func reason(f File, stdout, stderr string, err error) string {
	if strings.Contains(stderr, "unmatched [") {
		return "a value has a ] with no [ before it, which Augeas takes from 1.14 on: give another value, or install a newer one"
	}
	if f.secret {
		return "what it says is kept back, because it may show a secret"
	}
	words := strings.Fields(stderr)
	if found := message.FindStringSubmatch(stdout); found != nil {
		words = strings.Fields(found[1])
	}
	if len(words) == 0 && err != nil {
		return err.Error()
	}
	return strings.Join(words, " ")
}
