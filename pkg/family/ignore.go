package family

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/moby/patternmatcher/ignorefile"

	"github.com/pulpimg/pulpimg/internal/ignore"
)

const (
	// ignoreFile is the file beside a spec that says which files copies leave out.
	// https://docs.docker.com/build/concepts/context/#dockerignore-files
	ignoreFile = ".dockerignore"
	// maxIgnoreFile bounds it, in bytes.
	maxIgnoreFile = 1 << 20
)

// readIgnoreRules reads the .dockerignore of a folder. They match as those of a docker build do.
func readIgnoreRules(dir string) (rules ignore.Patterns, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return rules, cause(err)
	}
	defer root.Close()
	info, err := root.Stat(ignoreFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return rules, nil
	case err != nil:
		return rules, fmt.Errorf("%s cannot be read: %w", ignoreFile, cause(err))
	case !info.Mode().IsRegular() || info.Size() > maxIgnoreFile:
		return rules, fmt.Errorf("%s is no file of at most %d MiB", ignoreFile, maxIgnoreFile>>20)
	}
	f, err := root.Open(ignoreFile)
	if err != nil {
		return rules, fmt.Errorf("%s cannot be read: %w", ignoreFile, cause(err))
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(io.LimitReader(f, maxIgnoreFile))
	if err != nil {
		return rules, fmt.Errorf("%s cannot be read: %w", ignoreFile, err)
	}
	if rules, err = ignore.New(patterns); err != nil {
		return rules, fmt.Errorf("%s has %w", ignoreFile, err)
	}
	return rules, nil
}

// maxLinks bounds the symbolic links followed for one path, as Linux does (path_resolution(7)).
const maxLinks = 40

// through returns the path in a folder that a path leads to, and the symbolic links on the way. The path leads to a file.
func through(root *os.Root, name string) (resolved string, links []string, err error) {
	resolved = "."
	for todo := strings.Split(name, "/"); len(todo) > 0; {
		next := path.Join(resolved, todo[0])
		todo = todo[1:]
		info, err := root.Lstat(next)
		if err != nil {
			return "", nil, cause(err)
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			resolved = next
			continue
		}
		target, err := root.Readlink(next)
		if err != nil {
			return "", nil, cause(err)
		}
		if links = append(links, next); len(links) > maxLinks {
			return "", nil, fmt.Errorf("it goes through more than %d symbolic links", maxLinks)
		}
		todo = append(strings.Split(target, "/"), todo...)
	}
	return resolved, links, nil
}
