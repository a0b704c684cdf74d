package family

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/internal/ignore"
)

// Why a pattern brings nothing, or cannot be used.
var (
	errNotInto     = errors.New("it is a pattern, and may find several files")
	errNoMatch     = errors.New("nothing in the spec's folder matches it")
	errAllIgnored  = errors.New("the " + ignoreFile + " beside the spec leaves out all that matches it")
	errAllExcluded = errors.New("exclude leaves out all that matches it")
)

// sources returns what a copy names: one file or directory, or what a pattern finds, sorted. A file of exactly the name goes before what the
// name means as a pattern.
func (w *walker) sources() (names []string, pattern bool, err error) {
	if !strings.ContainsAny(w.from, `*?[\`) {
		return []string{w.from}, false, nil
	}
	if _, err := w.root.Lstat(w.from); !errors.Is(err, fs.ErrNotExist) {
		return []string{w.from}, false, nil
	}
	parts := strings.Split(w.from, "/")
	first := slices.IndexFunc(parts, hasWildcard)
	if first < 0 {
		return []string{unescaped(w.from)}, false, nil
	}
	for _, part := range parts[first:] {
		if _, err := path.Match(part, ""); err != nil {
			return nil, false, fmt.Errorf("%q is no pattern: a [ without a ], or a range that is none", part)
		}
	}
	dir := unescaped(path.Join(parts[:first]...))
	if dir == "" {
		dir = "."
	}
	switch info, err := w.root.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist), err == nil && !info.IsDir():
		return nil, true, errNoMatch
	case err != nil:
		return nil, true, cause(err)
	}
	names, err = w.find(dir, parts[first:])
	if err == nil && len(names) == 0 {
		err = errNoMatch
	}
	return names, true, err
}

// find returns what matches a pattern below a directory. Each part of the pattern is for one part of a path, and does not lead through
// symbolic links: so docker finds the sources of a COPY.
// https://github.com/tonistiigi/fsutil/blob/master/followlinks.go
func (w *walker) find(dir string, parts []string) ([]string, error) {
	entries, err := fs.ReadDir(w.root.FS(), dir)
	if err != nil {
		return nil, cause(err)
	}
	var out []string
	for _, entry := range entries {
		name := path.Join(dir, entry.Name())
		if ok, err := path.Match(parts[0], entry.Name()); err != nil || !ok {
			continue // the parts have been checked
		}
		switch {
		case len(parts) == 1:
			out = append(out, name)
		case entry.IsDir():
			below, err := w.find(name, parts[1:])
			if err != nil {
				return nil, err
			}
			out = append(out, below...)
		}
	}
	return out, nil
}

// hasWildcard reports whether part of a path is a pattern that may match several names.
func hasWildcard(part string) bool {
	for i := 0; i < len(part); i++ {
		switch part[i] {
		case '\\':
			i++
		case '*', '?', '[':
			return true
		}
	}
	return false
}

// escaped returns a path as a pattern for itself alone.
func escaped(name string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(name)
}

// unescaped takes the backslashes out that keep characters from being wildcards.
func unescaped(name string) string {
	var b strings.Builder
	for i := 0; i < len(name); i++ {
		if name[i] == '\\' && i+1 < len(name) {
			i++
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

// matches collects the files of all that a pattern found. A file in it goes by its name below the destination, and of a directory the
// content.
func (w *walker) matches(names []string) error {
	why, brought := errAllIgnored, false
	for _, name := range names {
		named, err := w.ignore.DecidePath(name)
		if err != nil {
			return err
		}
		info, err := w.root.Lstat(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, cause(err))
		}
		if named.Ignored && !(info.IsDir() && w.ignore.MayExcept(name)) {
			continue // as if it were not there, and it may be a link to nothing
		}
		w.from = name
		switch err := w.source(true); {
		case errors.Is(err, errExcluded):
			why = errAllExcluded
		case errors.Is(err, errIgnored) && named.Ignored: // none of the exceptions is for something in it
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		default:
			brought = true
		}
	}
	if !brought {
		return why
	}
	return nil
}

// A verdict is what the .dockerignore and the exclude of a copy say about a path.
type verdict struct{ ignored, excluded ignore.Decision }

// judge returns the verdict about a path below the copied directory, given that about the directory above it.
func (w *walker) judge(below string, above verdict) (v verdict, err error) {
	if v.ignored, err = w.ignore.Decide(path.Join(w.resolved, below), above.ignored); err != nil {
		return v, fmt.Errorf("%s: %w", ignoreFile, err)
	}
	if v.excluded, err = w.exclude.Decide(below, above.excluded); err != nil {
		return v, fmt.Errorf("exclude: %w", err)
	}
	return v, nil
}

// skips reports whether nothing at a path and below it is copied, or counts. What the .dockerignore leaves out is not there at all, so a
// directory that it leaves out but for exceptions is there if one of these is, even when the exclude leaves them out.
func (w *walker) skips(below string, v verdict, isDir bool) bool {
	if v.ignored.Ignored && !(isDir && w.ignore.MayExcept(path.Join(w.resolved, below))) {
		return true
	}
	return v.excluded.Ignored && !(isDir && (v.ignored.Ignored || w.exclude.MayExcept(below)))
}
