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

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// text is content that is known.
type text string

// Open implements Content.
func (t text) Open(string) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(string(t))), nil
}

// helper is the helper for the architecture that it is asked for.
type helper struct{ assets fs.FS }

// Open implements Content.
func (h helper) Open(arch string) (io.ReadCloser, error) {
	f, err := openRegular(h.assets, "helper/pulp-helper-linux-"+arch)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &NoHelperError{Arch: arch}
	}
	return f, err
}

// A NoHelperError reports that the assets have no helper for an architecture, as those of a program that was compiled by `go install`.
type NoHelperError struct{ Arch string }

func (e *NoHelperError) Error() string {
	return "this pulpimg was built without its helper for " + e.Arch
}

// asset is a built-in file.
type asset struct {
	assets fs.FS
	name   string
}

// Open implements Content.
func (a asset) Open(string) (io.ReadCloser, error) { return openRegular(a.assets, a.name) }

// openRegular opens a regular file. Opening a pipe or a device could block forever.
func openRegular(from fs.FS, name string) (io.ReadCloser, error) {
	info, err := fs.Stat(from, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	return from.Open(name)
}

// A folder is the directory of a spec. Nothing outside it is ever read, whatever symbolic links say.
type folder struct{ dir string }

// pathInFolder returns the path in the spec's folder that a string of the spec names, which may be a pattern.
func (r *resolver) pathInFolder(t spec.Text) (name string, ok bool) {
	name, ok = r.substitute.expand(t, atBuild)
	return joined(escaped(r.dirOf(t)), name), ok
}

// dirOf returns the path in the spec's folder of the directory that the file of a string is in. What the string names is there.
func (r *resolver) dirOf(t spec.Text) string {
	if t.At.Start.File == "" {
		return "."
	}
	return path.Dir(r.spec.FileOf(t.At.Start).Path)
}

// joined returns the path of what a file in a directory of the spec's folder calls by a name. A name that is wrong anywhere stays as it is.
func joined(dir, name string) string {
	if dir == "." || name == "" || path.IsAbs(name) {
		return name
	}
	if in := path.Join(dir, name); filepath.IsLocal(in) {
		return in
	}
	return name
}

// folderFile is a file of a folder.
type folderFile struct {
	folder folder
	name   string
	info   fs.FileInfo // of the file when its step was resolved
}

// DiskContent is content that is a file on disk.
type DiskContent interface {
	Content
	// File returns the folder of the spec and the name of the file in it, and what was known of the file when its step was resolved.
	File() (folder, name string, info fs.FileInfo)
}

// File implements DiskContent.
func (f folderFile) File() (folder, name string, info fs.FileInfo) {
	return f.folder.dir, f.name, f.info
}

// Open implements Content. It opens the folder anew for each file, so that a family keeps no files open. It refuses anything that has since
// replaced the file: opening a pipe may block forever, and a symbolic link leads to another file.
func (f folderFile) Open(string) (io.ReadCloser, error) {
	root, err := os.OpenRoot(f.folder.dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	file, err := root.OpenFile(f.name, os.O_RDONLY|openNonblock, 0)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !(info.Mode().IsRegular() && os.SameFile(info, f.info)) {
		err = fmt.Errorf("%s was replaced while pulpimg was at work: try again", f.name)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// cause returns why a file of a folder cannot be read, without its name, which is already in the error around it.
func cause(err error) error {
	var pathErr *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file in the spec's folder")
	case !errors.As(err, &pathErr):
		return err
	case strings.Contains(pathErr.Err.Error(), "escapes"): // package os exports no error to compare with
		return errors.New("a symbolic link leads out of the spec's folder")
	}
	return pathErr.Err
}
