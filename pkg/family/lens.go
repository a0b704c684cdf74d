package family

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// lensDir is where Augeas looks for lenses that do not come with it.
// https://augeas.net/docs/references/1.14.0/augparse.html
const lensDir = "/usr/share/augeas/lenses"

func (r *resolver) lens(s spec.Step) Step {
	name := r.matchForm(*s.Lens, lensName, "lens, which is a file called NAME.aug")
	step := Files{Common: Common{Name: "lens " + name, Range: s.At}}
	if !lensName.MatchString(name) {
		return step
	}
	content, err := r.lensContent(joined(r.dirOf(*s.Lens), name), name)
	if err != nil {
		r.report.Add(s.Lens.At, r.lensHint(), "%v", err)
	}
	step.Files = []File{{Path: path.Join(lensDir, name), Mode: 0o644, Content: content}}
	return step
}

// lensContent finds a lens: at a path in the spec's folder or, by its name, among the built-in ones.
func (r *resolver) lensContent(file, name string) (Content, error) {
	root, err := os.OpenRoot(r.folder.dir)
	if err != nil {
		return nil, cause(err)
	}
	defer root.Close()
	switch info, err := root.Stat(file); {
	case err == nil && info.Mode().IsRegular():
		return folderFile{r.folder, file, info}, nil
	case err == nil:
		return nil, fmt.Errorf("%s beside the spec is no file", file)
	case !errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s beside the spec cannot be read: %w", file, cause(err))
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
