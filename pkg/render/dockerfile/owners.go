package dockerfile

import (
	"cmp"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// chown is the flag of a COPY for an owner. Builders do not agree on the group of a user that is a number, so both are written.
func chown(owner family.Owner) string {
	if uid, gid, ok := owner.IDs(); ok {
		return fmt.Sprintf("--chown=%d:%d", uid, gid)
	}
	return "--chown=" + string(owner)
}

// checkOwner reports an owner whose number builders take for a name.
// https://github.com/moby/buildkit/blob/v0.34.2/client/llb/fileop.go
func (w *writer) checkOwner(owner family.Owner, at spec.Range) {
	user, group := owner.Parts()
	for _, name := range []string{user, group} {
		if id, _ := family.ParseID(name); id > math.MaxInt32 {
			w.report.Add(at, "", "a Dockerfile has no way to write the owner %s: its numbers end at %d", owner, math.MaxInt32)
			return
		}
	}
}

// An ownedGroup are files of one owner that one COPY can bring.
type ownedGroup struct {
	group
	owner family.Owner
	// copied says that the directory where they go is one of the files, and belongs to the owner if it is new.
	copied bool
}

// ownedGroups groups files by their owner and the directory that a COPY brings them to. A COPY with --chown gives the owner all directories
// that it makes. So it begins at the first directory that is copied, below which all others are copied too.
func ownedGroups(files []family.File) []ownedGroup {
	type key struct {
		dir   string
		owner family.Owner
	}
	copied := map[key]bool{}
	for _, f := range files {
		if f.Mode.IsDir() {
			copied[key{f.Path, f.Owner}] = true
		}
	}
	var out []ownedGroup
	index := map[key]int{}
	for _, f := range files {
		to := key{directory(f), f.Owner}
		for end := destination(f); to.dir != end && copied[to] && copied[key{path.Dir(to.dir), f.Owner}]; {
			to.dir = path.Dir(to.dir)
		}
		at, ok := index[to]
		if !ok {
			at = len(out)
			index[to] = at
			out = append(out, ownedGroup{group: group{dir: to.dir}, owner: f.Owner, copied: copied[to]})
		}
		out[at].files = append(out[at].files, f)
	}
	slices.SortStableFunc(out, func(a, b ownedGroup) int {
		if a.dir == b.dir && a.copied != b.copied {
			return map[bool]int{true: -1, false: 1}[a.copied] // it makes the directory
		}
		return cmp.Compare(a.dir, b.dir)
	})
	return out
}

// owned writes the instructions for files that have an owner.
func (w *writer) owned(files []family.File, at spec.Range) {
	for _, g := range ownedGroups(files) {
		w.checkOwner(g.owner, at)
		above := g.dir
		if g.copied {
			above = path.Dir(above)
		}
		w.ensure(above)
		w.makes(g.dir)
		if g.named() {
			var sources []string
			for _, f := range g.files {
				place := w.context.place(path.Base(f.Path))
				w.context.add(place, f)
				sources = append(sources, place)
			}
			w.copy([]string{chown(g.owner), "--chmod=" + octal(g.files[0].Mode)}, sources, g.dir)
			continue
		}
		folder := w.folder(g.group)
		w.copy([]string{chown(g.owner)}, []string{folder + "/"}, g.dir)
		w.copyAgain(g.group, folder)
	}
	// What comes after in the same step finds the directories of this.
	w.base.add(family.Files{Files: files})
}

// ensure makes a directory, with those above it, if it is not there: a COPY with --chown or --chmod would make it with its own owner and mode.
// One that is there stays as it is.
func (w *writer) ensure(dir string) {
	if w.base.has(dir) || w.made[dir] {
		return
	}
	if w.empty == "" {
		w.empty = w.context.place("empty")
		w.context.add(w.empty, family.File{Path: dir, Mode: fs.ModeDir | 0o755})
		w.keeps = true
	}
	w.copy(nil, []string{w.empty + "/"}, dir)
	w.makes(dir)
}

// makes notes that a COPY made a directory, with those above it.
func (w *writer) makes(dir string) {
	for ; dir != "/"; dir = path.Dir(dir) {
		w.made[dir] = true
	}
}

// directories writes the instructions of a Directories step.
func (w *writer) directories(step family.Directories) {
	for _, d := range step.Dirs {
		w.checkOwner(d.Owner, step.At())
		w.ensure(path.Dir(d.Path))
		w.makes(d.Path)
		w.copyMode(family.File{Path: d.Path, Mode: fs.ModeDir | cmp.Or(d.Mode, 0o755), Owner: d.Owner})
		w.keeps = true
	}
}
