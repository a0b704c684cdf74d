package family

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

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
	from, ok := r.substitute.expand(c.From, atBuild)
	to, into := r.destination(c.To, "the destination")
	w := walker{folder: r.folder, from: path.Clean(from), to: to, mode: r.mode(c.Mode), budget: r.budget}
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
	if err := w.walk(into); err != nil {
		r.report.Add(c.From.At, "", "%q cannot be copied: %v", from, err)
	}
	return w.files, title
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
	ignore   *ignoreRules
	budget   *budget
	mode     fs.FileMode
	from, to string
	resolved string // where from leads to
	files    []File
}

// add adds a file.
func (w *walker) add(f File) error {
	w.files = append(w.files, f)
	return w.budget.takeFile()
}

// walk collects all files. A single one goes by its own name if it is to go into a directory.
func (w *walker) walk(into bool) error {
	root, err := os.OpenRoot(w.folder.dir)
	if err != nil {
		return cause(err)
	}
	defer root.Close()
	w.root = root
	info, err := root.Stat(w.from)
	if err != nil {
		return cause(err)
	}
	start, err := w.start()
	switch {
	case err != nil:
		return err
	case info.IsDir():
		if err := w.dir(".", start); err != nil {
			return err
		}
		if start.ignored && len(w.files) == 0 {
			return errIgnored
		}
		return nil
	case start.ignored:
		return errIgnored
	case into:
		w.to = path.Join(w.to, path.Base(w.from))
	}
	if err := checkName(w.to); err != nil {
		return err
	}
	return w.file(w.from, w.to, info)
}

// errIgnored says that a copy names what the .dockerignore leaves out.
var errIgnored = errors.New("the " + ignoreFile + " beside the spec leaves it out")

// start decides whether the file or directory that a copy names is left out, by its name in the spec or by the path that this leads to.
func (w *walker) start() (decision, error) {
	if w.ignore.matcher == nil {
		return decision{}, nil
	}
	named, err := w.ignore.decidePath(w.from)
	if err != nil {
		return decision{}, err
	}
	if w.resolved, err = realPath(w.folder.dir, w.from); err != nil || w.resolved == w.from {
		return named, err
	}
	if named.ignored {
		return decision{}, errIgnored
	}
	return w.ignore.decidePath(w.resolved)
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

// dir collects what is in a directory below the copied one, sorted. Directories are entries only when they are empty or have a mode to keep:
// every other one comes with its files, and a directory of the image stays what it is. One in which everything is left out counts as empty.
func (w *walker) dir(below string, v decision) error {
	entries, err := fs.ReadDir(w.root.FS(), path.Join(w.from, below))
	if err != nil {
		return cause(err)
	}
	mode, special, err := w.dirMode(below)
	if err != nil {
		return err
	}
	to, before := path.Join(w.to, below), len(w.files)
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
	switch empty := len(w.files) == inside; {
	case empty && v.ignored:
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

func (w *walker) entry(below string, entry fs.DirEntry, above decision) error {
	kind := entry.Type()
	source := path.Join(w.resolved, below)
	v, err := w.ignore.decide(source, above)
	if err != nil {
		return err
	}
	if v.ignored && (!kind.IsDir() || !w.ignore.mayExcept(source)) {
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
