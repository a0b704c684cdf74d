package dockerfile

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// baseFacts are what is certain about the image that an instruction is based on. The rest depends on an image that only the builder sees.
type baseFacts struct {
	outside bool            // an image from outside the family is at the bottom
	system  bool            // a package manager works in it, so it is a whole system
	rpm     bool            // that package manager is yum or dnf
	ran     bool            // a command ran that may have changed anything
	special map[string]bool // what steps put there that is no directory as a builder makes it: symbolic links, directories with an owner or a mode
	copied  []string        // where steps put what is in other images, links perhaps
	user    string          // as the family declares it; empty when it does not
	workdir string
	// Whether the image may have an entrypoint and a command that are not its own.
	entrypoint, command bool
	healthcheck         bool // an image of the family below declares one
}

// baseFactsOf returns what is certain about the base of an image of the family.
func baseFactsOf(image *family.Image) baseFacts {
	if image.Parent == nil {
		outside := image.Base != family.Scratch
		g := baseFacts{outside: outside, special: map[string]bool{}, entrypoint: outside, command: outside}
		g.install(image)
		return g
	}
	g := baseFactsOf(image.Parent)
	for _, step := range image.Parent.Steps {
		g.add(step)
	}
	c := image.Parent.Config
	g.user, g.workdir = orInherited(c.User, g.user), orInherited(c.WorkDir, g.workdir)
	g.entrypoint, g.command = len(c.Entrypoint) > 0, len(c.Command) > 0
	g.healthcheck = c.Healthcheck != nil || g.healthcheck && !c.NoHealthcheck
	g.install(image)
	return g
}

func orInherited(own, inherited string) string {
	if own != "" {
		return own
	}
	return inherited
}

// install notes that an image's steps install packages, also the later ones: what they need to work is there before them.
func (g *baseFacts) install(image *family.Image) {
	for _, step := range image.Steps {
		if s, ok := step.(family.Packages); ok && g.outside {
			g.system = true
			g.rpm = g.rpm || s.Manager == family.Yum || s.Manager == family.DNF
		}
	}
}

// add takes a step in.
func (g *baseFacts) add(step family.Step) {
	switch s := step.(type) {
	case family.Run:
		g.ran = true
	case family.Packages:
		g.ran = g.ran || !g.outside // in an image without a base, a package may do anything
	case family.Files:
		for _, c := range s.Copies {
			g.copied = append(slices.Clip(g.copied), c.To)
		}
		for _, f := range s.Files {
			if f.Target != "" || f.Mode.IsDir() && (f.Owner != "" || f.Mode != fs.ModeDir|0o755) {
				g.special[f.Path] = true
			}
		}
	case family.Directories:
		for _, d := range s.Dirs {
			g.special[d.Path] = true
		}
	}
}

// systemDirs are directories of root with mode 0755, and no symbolic links, on every system that has a package manager which pulpimg
// knows. Many others are links on one of them: /bin, /lib, /sbin, /usr/sbin, /var/run.
var systemDirs = []string{"/etc", "/usr", "/usr/bin", "/usr/share"}

// reposDir is one more where packages are installed by yum or dnf.
const reposDir = "/etc/yum.repos.d"

// has reports whether a directory is certain to be there.
func (g baseFacts) has(dir string) bool {
	return dir == "/" || g.system && slices.Contains(systemDirs, dir) || g.rpm && dir == reposDir
}

// plain reports whether a directory and all above it are certain to be as a builder creates missing ones: owned by root, with mode 0755, or
// not there at all. Then a layer that brings its own does not change them.
func (g baseFacts) plain(dir string) bool {
	for at := dir; at != "/"; at = path.Dir(at) {
		if g.special[at] || g.ran || slices.ContainsFunc(g.copied, func(dir string) bool { return at == dir || dir == "/" || strings.HasPrefix(at, dir+"/") }) {
			return false
		}
		if g.outside && !g.has(at) && !(g.system && strings.HasPrefix(at, "/usr/share/")) {
			return false
		}
	}
	return true
}
