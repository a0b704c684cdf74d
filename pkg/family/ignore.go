package family

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

const (
	// ignoreFile is the file beside a spec that says which files copies leave out.
	// https://docs.docker.com/build/concepts/context/#dockerignore-files
	ignoreFile = ".dockerignore"
	// maxIgnoreFile bounds it, in bytes.
	maxIgnoreFile = 1 << 20
)

// ignoreRules say which files of the spec's folder are left out. They match as those of a docker build do, whose matcher they use.
type ignoreRules struct {
	matcher *patternmatcher.PatternMatcher // nil without a .dockerignore
	// exceptions are the beginnings of the patterns with a !, up to the first wildcard.
	exceptions []string
}

// A decision is whether the rules leave out a file or directory, and what they need to know of a directory to decide about its content.
type decision struct {
	ignored bool
	info    patternmatcher.MatchInfo
}

// readIgnoreRules reads the .dockerignore of a folder.
func readIgnoreRules(dir string) (*ignoreRules, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, cause(err)
	}
	defer root.Close()
	info, err := root.Stat(ignoreFile)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &ignoreRules{}, nil
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", ignoreFile, cause(err))
	case !info.Mode().IsRegular() || info.Size() > maxIgnoreFile:
		return nil, fmt.Errorf("%s is no file of at most %d MiB", ignoreFile, maxIgnoreFile>>20)
	}
	f, err := root.Open(ignoreFile)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", ignoreFile, cause(err))
	}
	defer f.Close()
	patterns, err := ignorefile.ReadAll(io.LimitReader(f, maxIgnoreFile))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", ignoreFile, err)
	}
	return newIgnoreRules(patterns)
}

func newIgnoreRules(patterns []string) (*ignoreRules, error) {
	if len(patterns) == 0 {
		return &ignoreRules{}, nil
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		for _, p := range patterns { // the matcher does not name the one
			if _, err := patternmatcher.New([]string{p}); err != nil {
				return nil, fmt.Errorf("%s has the pattern %q: %w", ignoreFile, p, err)
			}
		}
		return nil, fmt.Errorf("%s: %w", ignoreFile, err)
	}
	rules := &ignoreRules{matcher: matcher}
	for _, p := range matcher.Patterns() {
		if p.Exclusion() {
			literal, _, wild := strings.Cut(strings.NewReplacer("?", "*", "[", "*", "^", "*", `\`, "*").Replace(p.String()), "*")
			if !wild {
				literal += "/"
			}
			rules.exceptions = append(rules.exceptions, literal)
		}
	}
	return rules, nil
}

// decide returns the decision about a path in the folder, given the decision about the directory above it.
func (r *ignoreRules) decide(name string, above decision) (decision, error) {
	if r.matcher == nil {
		return decision{}, nil
	}
	ignored, info, err := r.matcher.MatchesUsingParentResults(filepath.FromSlash(name), above.info)
	if err != nil {
		return decision{}, fmt.Errorf("matching %s with %s: %w", name, ignoreFile, err)
	}
	return decision{ignored, info}, nil
}

// decidePath does the same for a path whose directories have not been decided yet.
func (r *ignoreRules) decidePath(name string) (v decision, err error) {
	if name == "." {
		return v, nil
	}
	for at, c := range name {
		if c == '/' {
			if v, err = r.decide(name[:at], v); err != nil {
				return v, err
			}
		}
	}
	return r.decide(name, v)
}

// mayExcept reports whether an exception may be for something in a directory that is left out.
func (r *ignoreRules) mayExcept(dir string) bool {
	for _, literal := range r.exceptions {
		if strings.HasPrefix(literal, dir+"/") || strings.HasPrefix(dir+"/", literal) {
			return true
		}
	}
	return false
}

// realPath returns the path in a folder that a path leads to after symbolic links. It does not check that this is still in the folder:
// opening the file does.
func realPath(dir, name string) (string, error) {
	top, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return "", cause(err)
	}
	resolved, err := filepath.EvalSymlinks(filepath.Join(dir, name))
	if err != nil {
		return "", cause(err)
	}
	relative, err := filepath.Rel(top, resolved)
	return path.Clean(filepath.ToSlash(relative)), err
}
