package family

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/pulpimg/pulpimg/internal/ignore"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

func (r *resolver) copies(s spec.Step) Step {
	var (
		titles []string
		copied [][]File // by the copies
		total  int
	)
	var copies []Copy
	for _, c := range s.Files {
		if r.budget.done() {
			break
		}
		if c.Image.IsSet() {
			fromImage := r.copyFromImage(c)
			copies = append(copies, fromImage)
			titles, copied = append(titles, fromImage.title()), append(copied, nil)
			continue
		}
		files, title := r.copy(c)
		titles, copied = append(titles, title), append(copied, files)
		total += len(files)
	}
	step := Files{Files: make([]File, 0, total), Copies: copies}
	places := places{files: make(map[string]fs.FileMode, total), above: map[string]string{}}
	for i, files := range copied {
		at := s.Files[i].At
		for _, f := range files {
			if mode, ok := places.files[f.Path]; ok && mode == f.Mode && mode.IsDir() {
				continue // two copies bring one directory
			}
			if problem := places.take(f); problem != "" {
				r.report.Add(at, "", "%s", problem)
			}
			step.Files = append(step.Files, f)
			r.checkReserved(at, f.Path)
		}
	}
	step.Common = Common{Name: strings.Join(titles, ", "), Range: s.At}
	return step
}

// places are the paths in the image that a step has used.
type places struct {
	files map[string]fs.FileMode // path -> what is there
	above map[string]string      // directory -> a file below it
}

// take adds a file, and returns why it cannot be at its place, or an empty string.
func (p places) take(f File) (problem string) {
	if _, ok := p.files[f.Path]; ok {
		return fmt.Sprintf("this step puts two files at %s", f.Path)
	}
	if below, ok := p.above[f.Path]; ok && !f.Mode.IsDir() {
		return fmt.Sprintf("this step puts %s below %s, which is no directory", below, f.Path)
	}
	p.files[f.Path] = f.Mode
	for end := strings.LastIndexByte(f.Path, '/'); end > 0; end = strings.LastIndexByte(f.Path[:end], '/') {
		dir := f.Path[:end]
		if mode, ok := p.files[dir]; ok && !mode.IsDir() {
			return fmt.Sprintf("this step puts %s below %s, which is no directory", f.Path, dir)
		}
		if p.above[dir] != "" {
			break // all above it have been looked at
		}
		p.above[dir] = f.Path
	}
	return ""
}

// copy returns the files of one copy.
func (r *resolver) copy(c spec.Copy) (files []File, title string) {
	var err error
	from, ok := r.pathInFolder(c.From)
	to, into := r.destination(c.To, "the destination")
	w := walker{folder: r.folder, from: path.Clean(from), to: to, mode: r.mode(c.Mode), owner: r.owner(c.Owner), exclude: r.exclude(c.Exclude), budget: r.budget}
	title = fmt.Sprintf("copy %s to %s", w.from, w.to)
	if !ok {
		return nil, title
	}
	if !filepath.IsLocal(from) {
		r.report.Add(c.From.At, "name a file in the folder of the spec", "%q is outside the spec's folder", from)
		return nil, title
	}
	if pathProblem(to) != "" {
		return nil, title // there is an error about it already
	}
	if w.ignore, err = r.ignored(); err != nil {
		r.report.Add(c.From.At, "", "%v", err)
		return nil, title
	}
	switch err := w.walk(into); {
	case errors.Is(err, errNotInto):
		r.report.Add(c.To.At, "end it with a slash", "%q is a pattern, and may find several files: %q has to be a directory", from, to)
	case err != nil:
		r.report.Add(c.From.At, "", "%q cannot be copied: %v", from, err)
	}
	return w.files, title
}

// exclude returns the patterns of an exclude. What cannot be used is reported at its own place.
func (r *resolver) exclude(list []spec.Text) ignore.Patterns {
	_, all := r.excludePatterns(list)
	return all
}

// excludePatterns returns them as they are, and to match with.
func (r *resolver) excludePatterns(list []spec.Text) (patterns []string, _ ignore.Patterns) {
	for _, t := range list {
		pattern := r.matchForm(t, excluding, "pattern for what is left out: it is relative to the copied directory, so it begins with no slash")
		if !excluding.MatchString(pattern) {
			continue // there is an error about it already
		}
		if _, err := ignore.New([]string{pattern}); err != nil {
			r.report.Add(t.At, "", "%q is no pattern: %v", pattern, errors.Unwrap(err))
			continue
		}
		patterns = append(patterns, pattern)
	}
	all, err := ignore.New(patterns)
	if err != nil { // not when each of them can be used alone
		r.report.Add(list[0].At, "", "%v", err)
	}
	return patterns, all
}

// mode returns the mode that a copy gives its files; 0 means that each file's own executable bit decides.
func (r *resolver) mode(t spec.Text) fs.FileMode {
	if !t.IsSet() {
		return 0
	}
	value, ok := r.substitute.expand(t, atBuild)
	bits, err := strconv.ParseUint(strings.TrimPrefix(value, "0o"), 8, 32)
	if ok && (err != nil || bits > 0o7777 || bits == 0) {
		r.report.Add(t.At, `such as "0644"`, "%q is no file mode", value)
		return 0
	}
	mode := fs.FileMode(bits & 0o777)
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode
}

// A walker collects the files of a copy.
type walker struct {
	folder   folder
	root     *os.Root
	ignore   ignore.Patterns // of the spec's folder
	exclude  ignore.Patterns // of what is copied
	budget   *budget
	mode     fs.FileMode
	owner    Owner
	from, to string
	resolved string // where from leads to
	files    []File
	sent     int // what the .dockerignore does not leave out
}

// add adds a file.
func (w *walker) add(f File) error {
	f.Owner = w.owner
	w.files = append(w.files, f)
	return w.budget.takeFile()
}

// walk collects all files.
func (w *walker) walk(into bool) error {
	root, err := os.OpenRoot(w.folder.dir)
	if err != nil {
		return cause(err)
	}
	defer root.Close()
	w.root = root
	names, pattern, err := w.sources()
	switch {
	case err != nil:
		return err
	case pattern && !into:
		return errNotInto
	case pattern:
		return w.matches(names)
	}
	w.from = names[0]
	return w.source(into)
}

// source collects the files of a file or a directory. A file goes by its own name if it is to go into a directory.
func (w *walker) source(into bool) error {
	info, err := w.root.Stat(w.from)
	if err != nil {
		return cause(err)
	}
	start, err := w.start()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		before := w.sent
		if err := w.dir(".", verdict{ignored: start}); err != nil {
			return err
		}
		if start.Ignored && w.sent == before {
			return errIgnored
		}
		return nil
	case start.Ignored:
		return errIgnored
	}
	// So docker's documentation has it. BuildKit 0.34 excludes only what is in a directory.
	if excluded, err := w.exclude.DecidePath(path.Base(w.from)); err != nil || excluded.Ignored {
		return cmp.Or(err, errExcluded)
	}
	to := w.to
	if into {
		to = path.Join(to, path.Base(w.from))
	}
	if err := checkName(to); err != nil {
		return err
	}
	return w.file(w.from, to, info)
}

// What leaves out the file that a copy names.
var (
	errIgnored  = errors.New("the " + ignoreFile + " beside the spec leaves it out")
	errExcluded = errors.New("its exclude leaves it out")
)

// start decides whether the file or directory that a copy names is left out, by its name in the spec, by a symbolic
// link on the way, or by the path that this leads to.
func (w *walker) start() (ignore.Decision, error) {
	w.resolved = w.from
	named, err := w.ignore.DecidePath(w.from)
	if err != nil || w.ignore.IsZero() {
		return named, err
	}
	resolved, links, err := through(w.root, w.from)
	if err != nil || len(links) == 0 {
		return named, err
	}
	w.resolved = resolved
	for _, link := range append(links, w.from) {
		if v, err := w.ignore.DecidePath(link); err != nil || v.Ignored {
			return v, cmp.Or(err, errIgnored)
		}
	}
	return w.ignore.DecidePath(w.resolved)
}

// checkName returns an error when the last part of a path, or all of it, is nothing that a layer can hold.
func checkName(name string) error {
	if problem := nameProblem(path.Base(name)); problem != "" {
		return fmt.Errorf("the name %q %s", path.Base(name), problem)
	}
	if len(name) > maxPath {
		return fmt.Errorf("a path in it has more than %d bytes", maxPath)
	}
	return nil
}

// dir collects what is in a directory below the copied one, sorted. Directories are entries only when they are empty or have an owner or a
// mode to keep: every other one comes with its files, and a directory of the image stays what it is. One in which everything is left out
// counts as empty.
func (w *walker) dir(below string, v verdict) error {
	entries, err := fs.ReadDir(w.root.FS(), path.Join(w.from, below))
	if err != nil {
		return cause(err)
	}
	mode, special, err := w.dirMode(below)
	if err != nil {
		return err
	}
	special = special || w.owner != ""
	to, before, sent := path.Join(w.to, below), len(w.files), w.sent
	if special && to != "/" {
		if err := w.add(File{Path: to, Mode: mode}); err != nil {
			return err
		}
	}
	inside := len(w.files)
	for _, entry := range entries {
		if err := w.entry(path.Join(below, entry.Name()), entry, v); err != nil {
			return err
		}
	}
	leftOut := v.excluded.Ignored || v.ignored.Ignored && w.sent == sent
	switch empty := len(w.files) == inside; {
	case empty && leftOut:
		w.files = w.files[:before]
	case empty && !special && to != "/":
		return w.add(File{Path: to, Mode: mode})
	}
	return nil
}

// dirMode returns the mode that a directory gets in the image, and whether it is special. Set-id and sticky bits are special and kept; with
// the sticky bit, which marks directories that everybody may write into, the permissions are kept too. Otherwise they depend on git and the
// umask, and the mode is 0755.
func (w *walker) dirMode(below string) (mode fs.FileMode, special bool, err error) {
	info, err := w.root.Stat(path.Join(w.from, below)) // only what the copy begins with can be a link
	if err != nil {
		return 0, false, cause(err)
	}
	mode = info.Mode() & (fs.ModeDir | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky)
	special = mode != fs.ModeDir
	if mode&fs.ModeSticky != 0 {
		return mode | info.Mode().Perm(), special, nil
	}
	return mode | 0o755, special, nil
}

func (w *walker) entry(below string, entry fs.DirEntry, above verdict) error {
	kind := entry.Type()
	v, err := w.judge(below, above)
	if err != nil {
		return err
	}
	if !v.ignored.Ignored {
		w.sent++
	}
	if w.skips(below, v, kind.IsDir()) {
		return nil
	}
	if err := checkName(path.Join(w.to, below)); err != nil {
		return err
	}
	switch {
	case kind.IsDir():
		return w.dir(below, v)
	case kind&fs.ModeSymlink != 0:
		return w.link(below)
	}
	name := path.Join(w.from, below)
	info, err := entry.Info()
	if err != nil {
		return cause(err)
	}
	return w.file(name, path.Join(w.to, below), info)
}

// link keeps a symbolic link that stays inside the copied directory. Any other would mean something else in the image.
func (w *walker) link(below string) error {
	target, err := w.root.Readlink(path.Join(w.from, below))
	if err != nil {
		return cause(err)
	}
	if path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(below), target)) {
		return fmt.Errorf("the symbolic link %s leads out of it, to %s", below, target)
	}
	if !utf8.ValidString(target) {
		return fmt.Errorf("the symbolic link %s leads to %q, which is not UTF-8, and what a layer holds has to be", below, target)
	}
	return w.add(File{Path: path.Join(w.to, below), Mode: fs.ModeSymlink | 0o777, Target: target})
}

func (w *walker) file(name, to string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is neither a file, a directory nor a symbolic link", name)
	}
	mode := w.mode
	if mode == 0 {
		mode = 0o644
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
	}
	return w.add(File{Path: to, Mode: mode, Content: folderFile{w.folder, name, info}})
}
