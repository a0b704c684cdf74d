package inventory

import (
	"fmt"
	"io/fs"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func (l lister) step(s family.Step) Step {
	out := Step{Title: s.Title(), At: l.at(s.At()), Lines: [2]int{s.At().Start.Line, s.At().End.Line}}
	out.Refresh = string(family.RefreshOf(s))
	switch s := s.(type) {
	case family.Fetch:
		out.Kind, out.URL, out.SHA256 = "fetch", s.URL.String(), s.SHA256
		out.Files = []File{{Path: s.Path, Type: "file", Mode: octal(s.Mode)}}
	case family.Packages:
		out.Kind, out.Manager, out.Groups, out.Packages = "packages", string(s.Manager), s.Groups, s.Packages
		out.Update, out.Modules, out.Remove = s.Update, s.Modules, s.Remove
		out.Exclude, out.EnableRepo, out.Docs, out.Recommends = s.Exclude, s.EnableRepo, s.Docs, s.Recommends
	case family.Files:
		out.Kind = "files"
		for _, f := range s.Files {
			out.Files = append(out.Files, file(f))
		}
		for _, c := range s.Copies {
			copied := Copy{Image: c.Source.Name(), From: c.From, To: c.To, Owner: string(c.Owner), Exclude: c.Exclude}
			if c.Mode != 0 {
				copied.Mode = octal(c.Mode)
			}
			out.Copies = append(out.Copies, copied)
		}
	case family.Directories:
		out.Kind = "directory"
		for _, d := range s.Dirs {
			out.Files = append(out.Files, directory(d))
		}
	case family.Run:
		return run(out, s)
	case family.Env:
		out.Kind, out.Env = "env", sets(s.Vars)
	}
	return out
}

// run fills in what a run step does.
func run(out Step, s family.Run) Step {
	out.Kind, out.Script, out.Command, out.Secrets = "run", s.Script, s.Args, s.Secrets
	out.Workdir, out.User, out.Env = s.WorkDir, s.User, sets(s.Env)
	if s.NoNetwork {
		out.Network = "none"
	}
	for _, c := range s.Caches {
		out.Caches = append(out.Caches, Cache(c))
	}
	for _, m := range s.Mounts {
		mount := Mount{Path: m.Path, Files: len(m.Files), Tmpfs: m.Tmpfs()}
		if m.Source != nil {
			mount.Image, mount.From = m.Source.Name(), m.From
		}
		out.Mounts = append(out.Mounts, mount)
	}
	return out
}

func sets(vars []family.EnvVar) []Set {
	var out []Set
	for _, v := range vars {
		out = append(out, Set{v.Name, v.Value})
	}
	return out
}

func file(f family.File) File {
	out := File{Path: f.Path, Type: "file", Mode: octal(f.Mode), Owner: string(f.Owner)}
	switch {
	case f.Mode.IsDir():
		out.Type = "directory"
	case f.Mode&fs.ModeSymlink != 0:
		out.Type, out.Mode, out.Target = "link", "", f.Target
	}
	return out
}

// directory shows a mode only where the spec has one: without, that of an existing directory stays.
func directory(d family.Directory) File {
	out := File{Path: d.Path, Type: "directory", Owner: string(d.Owner)}
	if d.Mode != 0 {
		out.Mode = octal(d.Mode)
	}
	return out
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
