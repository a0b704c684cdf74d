package dockerfile

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// A group are files that one COPY can bring.
type group struct {
	dir   string // where they go
	files []family.File
}

// groups groups the files of a step by the directory that a COPY brings them to. A COPY follows symbolic links on the way to its
// destination, but none below it. So files go directly to each directory that the image may already have as a link or with another mode;
// directories below those are the family's own, and are copied as a tree.
func groups(files []family.File) []group {
	var out []group
	index := map[string]int{}
	for _, f := range files {
		dir := destination(f)
		at, ok := index[dir]
		if !ok {
			at = len(out)
			index[dir] = at
			out = append(out, group{dir: dir})
		}
		out[at].files = append(out[at].files, f)
	}
	for i := range out {
		out[i].dir = above(out[i].files)
	}
	return out
}

// above returns the last directory that is on the way to all files.
func above(files []family.File) string {
	dir := directory(files[0])
	for _, f := range files[1:] {
		for other := directory(f); other != dir && !strings.HasPrefix(other, strings.TrimSuffix(dir, "/")+"/"); {
			dir = path.Dir(dir)
		}
	}
	return dir
}

// directory returns the directory that a file is in, or is.
func directory(f family.File) string {
	if f.Mode.IsDir() {
		return f.Path
	}
	return path.Dir(f.Path)
}

// destination returns the first directory on the way to a file that a system does not have by itself, or the last one.
func destination(f family.File) string {
	dir, at := directory(f), ""
	for _, part := range strings.Split(strings.TrimPrefix(dir, "/"), "/") {
		at += "/" + part
		if !common(at) {
			return path.Clean(at)
		}
	}
	return dir
}

// common reports whether a directory is one that systems usually have themselves: /usr, /usr/lib, /usr/local/bin.
func common(dir string) bool {
	parts := strings.Split(strings.Trim(dir, "/"), "/")
	depth := 1
	switch parts[0] {
	case "usr", "var", "etc":
		depth = 2
	}
	if len(parts) > 1 && parts[0] == "usr" && parts[1] == "local" {
		depth = 3
	}
	return len(parts) <= depth
}

// maxNamed is how many files a COPY names before they go as a folder.
const maxNamed = 8

// named reports whether a COPY names the files of a group: they are few, have one mode and are in one directory.
func (g group) named() bool {
	for _, f := range g.files {
		if !f.Mode.IsRegular() || f.Mode != g.files[0].Mode || path.Dir(f.Path) != g.dir || !sourceName().MatchString(path.Base(f.Path)) {
			return false
		}
	}
	return len(g.files) <= maxNamed
}

// ordinary reports whether files keep their mode on the way through a version control system.
func ordinary(m fs.FileMode) bool { return m == 0o644 || m == 0o755 }

// octal writes a mode as chmod(1) reads it.
func octal(m fs.FileMode) string {
	bits := uint32(m.Perm())
	for flag, bit := range map[fs.FileMode]uint32{fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000} {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return fmt.Sprintf("%04o", bits)
}

// files writes the instructions of a Files step.
func (w *writer) files(ctx context.Context, step family.Files) error {
	var shared, owned []family.File
	for _, f := range step.Files {
		if f.Owner != "" {
			owned = append(owned, f)
			continue
		}
		differs, err := w.context.differs(ctx, f)
		switch {
		case err != nil:
			return err
		case !differs:
			shared = append(shared, f)
			continue
		}
		w.copyForEach(f)
	}
	w.owned(owned, step.At())
	for _, g := range groups(shared) {
		write := w.copyFolder
		if g.named() {
			write = w.copyNamed
		}
		write(g)
	}
	for _, c := range step.Copies {
		w.copyFromImage(c)
	}
	return nil
}

// copyFromImage copies from another image. A COPY with --chown or --chmod would give the directories above its destination the same owner or
// mode, so these are made first.
func (w *writer) copyFromImage(c family.Copy) {
	to, above := c.To, path.Dir(c.To)
	if c.Into {
		to = strings.TrimSuffix(to, "/") + "/"
	}
	flags := []string{"--from=" + w.sourceName(c.Source)}
	if c.Mode == 0 && c.Owner == "" && w.base.plain(c.To) {
		flags = append(flags, "--link")
	}
	if c.Owner != "" {
		w.checkOwner(c.Owner, c.At)
		flags = append(flags, chown(c.Owner))
	}
	if c.Mode != 0 {
		flags = append(flags, "--chmod="+octal(c.Mode))
		if c.Into {
			above = c.To // the file goes into it, and the mode is for the file
		}
	}
	if c.Mode != 0 || c.Owner != "" {
		w.ensure(above)
	}
	for _, pattern := range c.Exclude {
		if !plainWord().MatchString(strings.NewReplacer("*", "", "?", "", "!", "").Replace(pattern)) {
			w.report.Add(c.At, "", "a Dockerfile has no certain way to write the pattern %q", pattern)
		}
		flags = append(flags, "--exclude="+pattern)
	}
	w.copyTo(flags, []string{escaped(c.From)}, to)
	w.makes(c.To)
}

// copyForEach copies a file that is another one for each architecture.
func (w *writer) copyForEach(f family.File) {
	name, dir := path.Base(f.Path), path.Dir(f.Path)
	at := w.context.place(name)
	w.context.addForEach(at, f)
	if !w.args["TARGETARCH"] {
		w.args["TARGETARCH"] = true
		w.line("ARG TARGETARCH")
	}
	w.copy(copyFlags(w.base, dir, f.Mode), []string{at + "/${TARGETARCH}/" + name}, dir)
}

// copyNamed copies files by their names.
func (w *writer) copyNamed(g group) {
	var sources []string
	for _, f := range g.files {
		at := w.context.place(path.Base(f.Path))
		w.context.add(at, f)
		sources = append(sources, at)
	}
	mode := g.files[0].Mode
	if !ordinary(mode) && !w.base.has(g.dir) {
		// The directories that a COPY makes get the mode of its --chmod, so they have to be there.
		w.copy(nil, sources, g.dir)
	}
	w.copy(copyFlags(w.base, g.dir, mode), sources, g.dir)
}

// copyFlags returns the flags of a COPY that names files of one mode. With --chmod, the directories that a COPY --link creates would get the
// mode of the files, and newer builders ignore --link. So it is used only for modes that need no --chmod (0644) or are right for directories
// too (0755).
func copyFlags(g baseFacts, dir string, mode fs.FileMode) []string {
	var flags []string
	if g.plain(dir) && ordinary(mode) {
		flags = append(flags, "--link")
	}
	if mode != 0o644 || len(flags) == 0 && g.has(dir) {
		flags = append(flags, "--chmod="+octal(mode))
	}
	return flags
}

// copyFolder copies a folder of the context. The files have the modes that they have there, and those that cannot have them there are
// copied once more.
func (w *writer) copyFolder(g group) {
	folder := w.folder(g)
	var flags []string
	if w.base.plain(g.dir) {
		flags = []string{"--link"}
	}
	w.copy(flags, []string{folder + "/"}, g.dir)
	w.copyAgain(g, folder)
}

// folder puts the files of a group into a folder of the context.
func (w *writer) folder(g group) string {
	folder := w.context.folder(g.dir)
	for _, f := range g.files {
		w.context.add(path.Join(folder, relative(g.dir, f.Path)), f)
		w.keeps = w.keeps || f.Mode.IsDir()
	}
	return folder
}

// copyAgain gives the files of a folder their modes where these are out of the ordinary.
func (w *writer) copyAgain(g group, folder string) {
	type place struct {
		dir   string
		mode  fs.FileMode
		owner family.Owner
	}
	sources := map[place][]string{}
	var order []place
	for _, f := range g.files {
		if f.Mode.IsDir() && f.Mode != fs.ModeDir|0o755 {
			w.copyMode(f)
		}
		if !f.Mode.IsRegular() || ordinary(f.Mode) {
			continue
		}
		at, to := path.Join(folder, relative(g.dir, f.Path)), place{path.Dir(f.Path), f.Mode, f.Owner}
		if plainWord().MatchString(at) {
			if sources[to] == nil {
				order = append(order, to)
			}
			sources[to] = append(sources[to], at)
			continue
		}
		// Builders disagree on how to write a source whose name has the characters of a pattern. The folder's COPY has put the file in place,
		// so it is no symbolic link, and a COPY to its full name is safe.
		at = w.context.place("file")
		w.context.add(at, f)
		w.copyTo(attributes(f), []string{at}, f.Path)
	}
	for _, to := range order {
		w.copy(attributes(family.File{Mode: to.mode, Owner: to.owner}), sources[to], to.dir)
	}
}

// copyMode gives a directory its mode after the COPY of its folder: it copies the directory once more, alone and without its content.
func (w *writer) copyMode(dir family.File) {
	at := w.context.place("directory")
	w.context.add(path.Join(at, path.Base(dir.Path)), dir)
	w.copy(attributes(dir), []string{at + "/"}, path.Dir(dir.Path))
}

// attributes are the flags of a COPY that gives a file its owner and its mode.
func attributes(f family.File) []string {
	mode := "--chmod=" + octal(f.Mode)
	if f.Owner == "" {
		return []string{mode}
	}
	return []string{chown(f.Owner), mode}
}

// relative returns the path below a directory.
func relative(dir, name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, dir), "/")
}

// copy writes a COPY of sources, which are words already, into a directory.
func (w *writer) copy(flags, sources []string, dir string) {
	if dir != "/" {
		dir += "/"
	}
	w.copyTo(flags, sources, dir)
}

func (w *writer) copyTo(flags, sources []string, to string) {
	words := append(sources[:len(sources):len(sources)], escaped(to))
	w.line(strings.Join(append([]string{"COPY"}, append(flags, pathList(words))...), " "))
}

// pathList writes the sources and the destination of a COPY or an ADD.
func pathList(words []string) string {
	for _, word := range words {
		if strings.ContainsAny(word, " \t") || strings.Contains(word, "<<") || strings.ContainsFunc(word, func(c rune) bool { return c > 0x7e }) {
			return list(words)
		}
	}
	if strings.HasPrefix(words[0], "[") {
		return list(words)
	}
	return strings.Join(words, " ")
}
