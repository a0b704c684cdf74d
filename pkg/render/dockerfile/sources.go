package dockerfile

import (
	"context"
	"io"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pulpimg/pulpimg/internal/gendir"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A buildContext is the folder of an image.
type buildContext struct {
	image string
	archs []string
	files []gendir.File
	// Names at the top, in small letters: some file systems do not tell a from A.
	taken map[string]bool
	// Numbered folders, for what has the name of something else.
	numbered map[string]bool
	// keep is the name of the files that keep empty directories, which git does not.
	keep string
}

// reserved are the names, in small letters, of what builders look for: a Dockerfile, and what is to be ignored, also of one Dockerfile.
// https://docs.docker.com/build/concepts/context/#filename-and-location
var reserved = map[string]bool{
	"dockerfile": true, ".dockerignore": true, "dockerfile.dockerignore": true, "dockerfile.containerignore": true,
	"containerfile": true, ".containerignore": true, "containerfile.dockerignore": true, "containerfile.containerignore": true,
}

func newContext(image *family.Image, archs []string) *buildContext {
	c := &buildContext{
		image:    image.Name,
		archs:    archs,
		taken:    maps.Clone(reserved),
		numbered: map[string]bool{},
		keep:     ".keep",
	}
	for slices.ContainsFunc(image.Steps, func(s family.Step) bool { return contains(s, c.keep) }) {
		c.keep += "_"
	}
	return c
}

// contains reports whether a step brings a file or directory with this name, or something below one.
func contains(step family.Step, name string) bool {
	has := func(file string) bool { return slices.Contains(strings.Split(file, "/"), name) }
	switch s := step.(type) {
	case family.Files:
		return slices.ContainsFunc(s.Files, func(f family.File) bool { return has(f.Path) })
	case family.Directories:
		return slices.ContainsFunc(s.Dirs, func(d family.Directory) bool { return has(d.Path) })
	}
	return false
}

// sourceName is a name that may stand in a Dockerfile as it is.
var sourceName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_@+][A-Za-z0-9_@+.-]*$`) })

// place finds a place for something by its name: at the top, or in a numbered folder when something else has it.
func (c *buildContext) place(name string) string {
	for n := 1; ; n++ {
		at, numbered := name, ""
		if n > 1 {
			numbered = strconv.Itoa(n)
			at = path.Join(numbered, name)
		}
		small := strings.ToLower(at)
		if c.taken[small] || c.numbered[small] || c.taken[numbered] {
			continue
		}
		c.taken[small] = true
		c.numbered[numbered] = true
		return at
	}
}

// folder finds a place for the files of a directory of the image.
func (c *buildContext) folder(dir string) string {
	name := path.Base(dir)
	switch {
	case dir == "/":
		name = "rootfs"
	case !sourceName().MatchString(name):
		name = "files"
	}
	return c.place(name)
}

// mounted adds the files of a mount, and returns the place of what is mounted.
func (c *buildContext) mounted(m family.Mount) string {
	folder := c.place("mounted")
	for _, f := range m.Files {
		c.add(path.Join(folder, f.Path), f)
	}
	return path.Join(folder, m.From)
}

// add adds a file at a place.
func (c *buildContext) add(at string, f family.File) {
	out := gendir.File{Path: path.Join(c.image, at), Mode: 0o644, Target: f.Target}
	switch {
	case f.Mode.IsDir():
		out.Path = path.Join(out.Path, c.keep)
	case f.Mode&fs.ModeSymlink != 0:
		out.Mode = f.Mode
	default:
		if f.Mode&0o111 != 0 {
			out.Mode = 0o755
		}
		out.Open = opener(f.Content, c.archs[0])
	}
	c.files = append(c.files, out)
}

// addForEach adds a file that is another one for each architecture, as NAME/ARCH/NAME.
func (c *buildContext) addForEach(at string, f family.File) {
	for _, arch := range c.archs {
		c.files = append(c.files, gendir.File{Path: path.Join(c.image, at, arch, path.Base(f.Path)), Mode: 0o755, Open: opener(f.Content, arch)})
	}
}

func opener(content family.Content, arch string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return content.Open(arch) }
}

// differs reports whether a file is another one for another architecture. A file on disk is the same for all of them.
func (c *buildContext) differs(ctx context.Context, f family.File) (bool, error) {
	if f.Content == nil {
		return false, nil
	}
	if _, ok := f.Content.(family.DiskContent); ok {
		return false, nil
	}
	first, err := family.Sum(ctx, f.Content, c.archs[0])
	if err != nil {
		return false, err
	}
	for _, arch := range c.archs[1:] {
		other, err := family.Sum(ctx, f.Content, arch)
		if err != nil {
			return false, err
		}
		if other != first {
			return true, nil
		}
	}
	return false, nil
}
