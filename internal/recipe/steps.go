package recipe

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"

	"github.com/pulpimg/pulpimg/internal/packages"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// step returns what one step of an image does.
func (b builder) step(ctx context.Context, image *family.Image, at int) (out step, err error) {
	source, d := image.Steps[at], declared(image, at)
	out = step{Title: valid(b.text(source.Title())), at: source.At()}
	var all facts
	switch s := source.(type) {
	case family.Fetch:
		out.Kind = "repo"
		err = b.fetch(ctx, &all, image, at)
	case family.Packages:
		out.Kind = string(s.Manager)
		err = b.packages(&all, s, d.Packages)
	case family.Files:
		out.Kind = kindOfFiles(s, d)
		out.Files, err = b.filesStep(ctx, &all, image, at)
	case family.Directories:
		out.Kind = "directory"
		b.directories(&all, s, d.Directory)
	case family.Run:
		out.Kind = runKind
		out.Files, err = b.run(ctx, &all, image, at)
	case family.Env:
		out.Kind = envKind
		b.environment(&all, s.Vars)
	default:
		err = fmt.Errorf("there is no recipe of a step of the type %T", source)
	}
	out.Facts = all
	for i := range out.Facts {
		out.Facts[i].at = orAt(out.Facts[i].at, out.at)
	}
	return out, err
}

func (b builder) fetch(ctx context.Context, into *facts, image *family.Image, at int) error {
	s := image.Steps[at].(family.Fetch)
	var url, to spec.Range
	if d := declared(image, at).Repo; d != nil {
		url, to = d.URL.At, d.To.At
	}
	sum, err := b.Fetch(ctx, image, at)
	if err != nil {
		return err
	}
	into.add(fact{Name: "content", Form: content, Values: []string{string(sum), valid(s.URL.String())}, at: url})
	into.value("repo url", s.URL.String(), url, ofConfig)
	into.value("repo to", s.Path, to, ofLayers)
	into.value("repo mode", octal(s.Mode), to, ofLayers)
	return nil
}

// howName is the fact that decides of a package step whether anything differs: the commands that its tool is given.
const howName = "how"

func (b builder) packages(into *facts, s family.Packages, d *spec.Packages) error {
	install, err := packages.For(s)
	if err != nil {
		return err
	}
	if d == nil {
		d = &spec.Packages{}
	}
	tool := string(s.Manager) + " "
	var out facts
	for _, l := range []struct {
		name     string
		values   []string
		declared []spec.Text
	}{
		{"module", s.Modules, d.Module}, {"groups", s.Groups, d.Groups}, {"packages", s.Packages, d.Packages}, {"remove", s.Remove, d.Remove},
		{"exclude", s.Exclude, d.Exclude}, {"enablerepo", s.EnableRepo, d.EnableRepo},
	} {
		out.add(fact{Name: tool + l.name, Form: list, Values: l.values, at: orAt(firstAt(l.declared), d.At), each: textsAt(l.declared)})
	}
	out.value(tool+"update", strconv.FormatBool(s.Update), d.At, ofLayers)
	for _, choice := range []struct {
		name string
		is   *bool
	}{{"docs", s.Docs}, {"recommends", s.Recommends}} {
		if choice.is != nil {
			out.value(tool+choice.name, strconv.FormatBool(*choice.is), d.At, ofLayers)
		}
	}
	out.add(fact{Name: howName, Form: rest, Values: []string{sumOf([]any{install.Install, install.Commands, install.Env})}})
	for _, f := range out {
		f.Group = "how " + tool + "installs them"
		into.add(f)
	}
	return nil
}

func (b builder) directories(into *facts, s family.Directories, d []spec.Directory) {
	all := fact{Name: "directory", Form: list}
	for i, dir := range s.Dirs {
		var at spec.Directory
		if i < len(d) {
			at = d[i]
		}
		all.Values, all.each = append(all.Values, valid(dir.Path)), append(all.each, at.Path.At)
		name := "directory " + valid(dir.Path)
		for _, f := range []fact{
			{Name: name + " mode", Values: []string{modeOr(dir.Mode, "none")}, at: orAt(at.Mode.At, at.At)},
			{Name: name + " owner", Values: []string{valid(orNone(string(dir.Owner)))}, at: orAt(at.Owner.At, at.At)},
		} {
			f.Part = true
			into.add(f)
		}
	}
	into.add(all)
	into.add(b.history(s, nil))
}

func (b builder) run(ctx context.Context, into *facts, image *family.Image, at int) ([]file, error) {
	s := image.Steps[at].(family.Run)
	d := declared(image, at).Run
	if d == nil {
		d = &spec.Run{}
	}
	if len(s.Args) > 0 {
		into.add(b.words("run", s.Args, orAt(firstAt(d.Command), d.At), ofLayers))
	} else {
		into.add(b.lines("run", s.Script, orAt(d.Script.At, d.At), ofLayers))
	}
	for _, v := range s.Env { // whose order makes no difference: a value cannot name another of them
		b.named(into, "env "+v.Name, v.Name, v.Value, v.At, ofLayers)
	}
	b.platformVariables(into, image, s)
	into.value(workdirName, s.WorkDir, d.Workdir.At, ofLayers)
	into.value("user", s.User, d.User.At, ofLayers)
	if s.NoNetwork {
		into.value("network", "none", d.Network.At, ofLayers)
	}
	into.add(fact{Name: "secrets", Form: set, Values: slices.Sorted(slices.Values(s.Secrets)), at: firstAt(d.Secrets)})
	return b.mounts(ctx, into, image, s)
}

// platformVariables adds the variables of the platform of the engine that a command names. Those of the target are the same for one platform.
func (b builder) platformVariables(into *facts, image *family.Image, s family.Run) {
	values := map[string]string{
		"BUILDPLATFORM": platforms.Format(b.Build), "BUILDOS": b.Build.OS, "BUILDARCH": b.Build.Architecture, "BUILDVARIANT": b.Build.Variant,
	}
	for _, name := range s.PlatformVariables() {
		own := slices.ContainsFunc(s.Env, func(v family.EnvVar) bool { return v.Name == name })
		for below := image; below != nil; below = below.Parent {
			own = own || slices.ContainsFunc(below.Config.Env, func(v family.EnvVar) bool { return v.Name == name })
		}
		if value, ok := values[name]; ok && !own {
			into.value("env "+name, value, spec.Range{}, ofLayers)
		}
	}
}

func (b builder) mounts(ctx context.Context, into *facts, image *family.Image, s family.Run) ([]file, error) {
	var files []file
	all := fact{Name: "mounts", Form: list}
	for _, m := range s.Mounts {
		all.Values, all.each = append(all.Values, valid(m.Path)), append(all.each, m.At)
		name := "mount " + valid(m.Path)
		if m.Source != nil {
			from, err := b.source(ctx, name+" image", *m.Source, image)
			if err != nil {
				return nil, err
			}
			into.add(from)
		}
		of := "files"
		switch {
		case m.Tmpfs():
			of = "tmpfs"
		case m.Source != nil:
			of = "image"
		}
		into.add(fact{Name: name + " is of", Values: []string{of}, Part: true, at: m.At})
		into.add(fact{Name: name + " from", Values: []string{valid(orNone(m.From))}, Part: true, at: m.At})
		for _, f := range m.Files {
			made, err := b.file(ctx, f)
			if err != nil {
				return nil, err
			}
			made.Mount = valid(m.Path)
			files = append(files, made)
		}
	}
	into.add(all)
	sortFiles(files)
	return files, nil
}

// source returns the fact of an image that a step takes files from.
func (b builder) source(ctx context.Context, name string, s family.ImageSource, image *family.Image) (fact, error) {
	f := fact{Name: name, Form: source, Part: true, at: s.At}
	if s.Image != nil {
		f.Image = s.Image.Name
		return f, nil
	}
	f.Values = []string{s.Reference, ""}
	return b.outside(ctx, f, image)
}

// history returns what the history of an image says of a step with files or directories.
func (b builder) history(s family.Step, files []file) fact {
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	f := fact{Name: "history", Form: called, Reach: ofConfig, at: s.At()}
	f.Values, f.Sum = b.hidden([]string{s.Title(), strings.Join(paths, " ")}, b.text)
	return f
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

func modeOr(m fs.FileMode, otherwise string) string {
	if m == 0 {
		return otherwise
	}
	return octal(m)
}

// octal returns the permissions of a mode as chmod has them.
func octal(m fs.FileMode) string { return fmt.Sprintf("%04o", posix(m)&0o7777) }

// posix returns a mode with the bits of inode(7).
func posix(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for _, b := range []struct {
		flag fs.FileMode
		bit  uint32
	}{{fs.ModeSetuid, 0o4000}, {fs.ModeSetgid, 0o2000}, {fs.ModeSticky, 0o1000}, {fs.ModeDir, 0o040000}, {fs.ModeSymlink, 0o120000}} {
		if m&b.flag != 0 {
			bits |= b.bit
		}
	}
	return bits
}
