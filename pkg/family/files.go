package family

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

func (r *resolver) copies(s spec.Step) Step {
	var (
		step   Files
		titles []string
	)
	places := places{files: map[string]bool{}, above: map[string]string{}}
	for _, c := range s.Files {
		files, title := r.copy(c)
		titles = append(titles, title)
		for _, f := range files {
			if problem := places.take(f); problem != "" {
				r.report.Add(c.At, "", "%s", problem)
			}
			r.checkReserved(c.At, f.Path)
		}
		step.Files = append(step.Files, files...)
	}
	step.Common = Common{Name: strings.Join(titles, ", "), Range: s.At}
	return step
}

// places are the paths in the image that a step has used.
type places struct {
	files map[string]bool   // path -> whether it can have files below it
	above map[string]string // directory -> a file below it
}

// take says why a file cannot be where it shall be, or nothing.
func (p places) take(f File) (problem string) {
	if _, ok := p.files[f.Path]; ok {
		return fmt.Sprintf("this step puts two files at %s", f.Path)
	}
	if below, ok := p.above[f.Path]; ok && !f.Mode.IsDir() {
		return fmt.Sprintf("this step puts %s below %s, which is no directory", below, f.Path)
	}
	p.files[f.Path] = f.Mode.IsDir()
	for dir := path.Dir(f.Path); dir != "/" && dir != "."; dir = path.Dir(dir) {
		if isDir, ok := p.files[dir]; ok && !isDir {
			return fmt.Sprintf("this step puts %s below %s, which is no directory", f.Path, dir)
		}
		p.above[dir] = f.Path
	}
	return ""
}

// copy returns the files of one copy.
func (r *resolver) copy(c spec.Copy) (files []File, title string) {
	from, ok := r.substitute.known(c.From, atBuild)
	to, into := r.destination(c.To, "the destination")
	w := walker{folder: r.folder, from: path.Clean(from), to: to, mode: r.mode(c.Mode)}
	title = fmt.Sprintf("copy %s to %s", w.from, w.to)
	if !ok {
		return nil, title
	}
	if !filepath.IsLocal(from) {
		r.report.Add(c.From.At, "name a file in the folder of the spec", "%q is outside the spec's folder", from)
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
	value, ok := r.substitute.known(t, atBuild)
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
	mode     fs.FileMode
	from, to string
	files    []File
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
	switch {
	case err != nil:
		return cause(err)
	case info.IsDir():
		return w.dir(".")
	case into:
		w.to = path.Join(w.to, path.Base(w.from))
	}
	return w.file(w.from, w.to, info)
}

// dir collects what is in a directory below the copied one, sorted. Directories are entries only when they are empty: every other one
// comes with its files, and a directory of the image stays what it is.
func (w *walker) dir(below string) error {
	entries, err := fs.ReadDir(w.root.FS(), path.Join(w.from, below))
	if err != nil {
		return cause(err)
	}
	if to := path.Join(w.to, below); len(entries) == 0 && to != "/" {
		w.files = append(w.files, File{Path: to, Mode: fs.ModeDir | 0o755})
	}
	for _, entry := range entries {
		if err := w.entry(path.Join(below, entry.Name()), entry.Type()); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(below string, kind fs.FileMode) error {
	switch {
	case kind.IsDir():
		return w.dir(below)
	case kind&fs.ModeSymlink != 0:
		return w.link(below)
	}
	name := path.Join(w.from, below)
	info, err := w.root.Lstat(name)
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
	w.files = append(w.files, File{Path: path.Join(w.to, below), Mode: fs.ModeSymlink | 0o777, Target: target})
	return nil
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
	w.files = append(w.files, File{Path: to, Mode: mode, Content: folderFile{w.folder, name}})
	return nil
}
