package family

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// assets are the built-in files.
type assets = fs.FS

// text is content that is known.
type text string

// Open implements Content.
func (t text) Open(string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(t))), nil
}

// helper is the helper for the architecture that it is asked for.
type helper struct{ assets assets }

// Open implements Content.
func (h helper) Open(arch string) (io.ReadCloser, error) {
	f, err := h.assets.Open("helper/pulp-helper-linux-" + arch)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("this pulpimg was built without its helper for %s: build it with make", arch)
	}
	return f, err
}

// asset is a built-in file.
type asset struct {
	assets assets
	name   string
}

// Open implements Content.
func (a asset) Open(string) (io.ReadCloser, error) { return a.assets.Open(a.name) }

// A folder is the directory of a spec. Nothing outside it is ever read, whatever symbolic links say.
type folder struct{ dir string }

// folderFile is a file of a folder.
type folderFile struct {
	folder folder
	name   string
}

// Open implements Content. The folder is entered for each file, so that a family holds no open files.
func (f folderFile) Open(string) (io.ReadCloser, error) {
	root, err := os.OpenRoot(f.folder.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return root.Open(f.name)
}

// lensContent finds a lens: beside the spec, or among the built-in ones.
func (r *resolver) lensContent(name string) (Content, error) {
	root, err := os.OpenRoot(r.folder.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	switch info, err := root.Stat(name); {
	case err == nil && info.Mode().IsRegular():
		return folderFile{r.folder, name}, nil
	case err == nil:
		return nil, fmt.Errorf("%s beside the spec is no file", name)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("reading %s beside the spec: %w", name, cause(err))
	}
	if _, err := fs.Stat(r.assets, name); err == nil {
		return asset{r.assets, name}, nil
	}
	return nil, fmt.Errorf("there is no lens called %q", name)
}

func (r *resolver) lensHint() string {
	names, err := fs.Glob(r.assets, "*.aug")
	if err != nil || len(names) == 0 {
		return "put it beside the spec"
	}
	return "put it beside the spec, or use a built-in one: " + strings.Join(names, ", ")
}

// copyFiles returns the files of one copy, and where they go.
func (r *resolver) copyFiles(c spec.Copy) (files []File, to string) {
	from := r.substitute.text(c.From, atBuild)
	target := r.substitute.text(c.To, atBuild)
	to = r.absolute(c.To, "the destination")
	mode, ok := r.mode(c.Mode)
	if !ok {
		return nil, to
	}
	root, err := os.OpenRoot(r.folder.dir)
	if err != nil {
		r.report.Add(c.From.At, "", "reading the spec's folder: %v", err)
		return nil, to
	}
	defer root.Close()
	if !filepath.IsLocal(from) {
		r.report.Add(c.From.At, "name a file in the spec's folder", "%q is outside the spec's folder", from)
		return nil, to
	}
	from = path.Clean(from)
	info, err := root.Stat(from)
	if err != nil {
		r.report.Add(c.From.At, "", "reading %q in the spec's folder: %v", from, cause(err))
		return nil, to
	}
	w := walker{folder: r.folder, root: root, mode: mode, from: from, to: to}
	if info.IsDir() {
		err = w.dir(".")
	} else {
		if strings.HasSuffix(target, "/") {
			w.to = path.Join(to, path.Base(from))
		}
		err = w.file(from, w.to, info)
	}
	if err != nil {
		r.report.Add(c.From.At, "", "reading %q in the spec's folder: %v", from, err)
	}
	return w.files, w.to
}

// mode returns the mode that a copy gives its files; 0 means that each file's own executable bit decides.
func (r *resolver) mode(t spec.Text) (fs.FileMode, bool) {
	if !t.IsSet() {
		return 0, true
	}
	bits, err := strconv.ParseUint(strings.TrimPrefix(t.Value, "0o"), 8, 32)
	if err != nil || bits > 0o7777 || bits == 0 {
		r.report.Add(t.At, `such as "0644"`, "%q is no file mode", t.Value)
		return 0, false
	}
	mode := fs.FileMode(bits & 0o777)
	for bit, flag := range map[uint64]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if bits&bit != 0 {
			mode |= flag
		}
	}
	return mode, true
}

// A walker collects the files of a copy.
type walker struct {
	folder   folder
	root     *os.Root
	mode     fs.FileMode
	from, to string
	files    []File
}

// dir collects what is in a directory below the copied one. Directories are entries only when they are empty: every other one comes
// with its files, and a directory of the image stays what it is.
func (w *walker) dir(below string) error {
	names, err := fs.ReadDir(w.root.FS(), path.Join(w.from, below))
	if err != nil {
		return cause(err)
	}
	slices.SortFunc(names, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	if len(names) == 0 && below != "." {
		w.files = append(w.files, File{Path: path.Join(w.to, below), Mode: fs.ModeDir | 0o755})
	}
	for _, name := range names {
		if err := w.entry(path.Join(below, name.Name()), name.Type()); err != nil {
			return err
		}
	}
	return nil
}

func (w *walker) entry(below string, kind fs.FileMode) error {
	name := path.Join(w.from, below)
	switch {
	case kind.IsDir():
		return w.dir(below)
	case kind&fs.ModeSymlink != 0:
		return w.link(below)
	}
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
		return fmt.Errorf("the symbolic link %s leaves it, to %s", below, target)
	}
	w.files = append(w.files, File{Path: path.Join(w.to, below), Mode: fs.ModeSymlink | 0o777, Target: target})
	return nil
}

func (w *walker) file(name, to string, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no file, directory or symbolic link", name)
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

// cause returns an error without the name of the file, which the complaint says already.
func cause(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		if errors.Is(err, fs.ErrNotExist) {
			return errors.New("there is no such file")
		}
		if strings.Contains(pathErr.Err.Error(), "escapes") {
			return errors.New("a symbolic link leads out of the folder")
		}
		return pathErr.Err
	}
	return err
}
