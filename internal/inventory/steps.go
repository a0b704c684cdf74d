package inventory

import (
	"fmt"
	"io/fs"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func (l lister) step(s family.Step) Step {
	out := Step{Title: s.Title(), At: l.at(s.At()), Lines: [2]int{s.At().Start.Line, s.At().End.Line}}
	switch s := s.(type) {
	case family.Fetch:
		out.Kind, out.URL, out.SHA256 = "fetch", s.URL.String(), s.SHA256
		out.Files = []File{{Path: s.Path, Type: "file", Mode: octal(s.Mode)}}
	case family.Packages:
		out.Kind, out.Manager, out.Groups, out.Packages = "packages", string(s.Manager), s.Groups, s.Packages
	case family.Files:
		out.Kind = "files"
		for _, f := range s.Files {
			out.Files = append(out.Files, file(f))
		}
	case family.Run:
		out.Kind, out.Script, out.Command, out.Secrets = "run", s.Script, s.Args, s.Secrets
	}
	return out
}

func file(f family.File) File {
	switch {
	case f.Mode.IsDir():
		return File{Path: f.Path, Type: "directory", Mode: octal(f.Mode)}
	case f.Mode&fs.ModeSymlink != 0:
		return File{Path: f.Path, Type: "link", Target: f.Target}
	}
	return File{Path: f.Path, Type: "file", Mode: octal(f.Mode)}
}

// octal writes a mode as chmod takes it.
func octal(mode fs.FileMode) string {
	bits := uint32(mode.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if mode&flag != 0 {
			bits |= bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}
