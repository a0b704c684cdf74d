package recipe

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"

	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// filesSince returns what differs between the files of a step: one delta, or none.
func filesSince(old, now step) []delta {
	var f fileComparer
	mounts := func(s step) []string {
		if all := find(s.Facts, "mounts"); all != nil {
			return all.Values
		}
		return nil
	}
	was, is := mounts(old), mounts(now)
	in := func(f file) bool {
		return f.Mount == "" || slices.Contains(was, f.Mount) && slices.Contains(is, f.Mount)
	}
	a, b := old.Files, now.Files
	for len(a)+len(b) > 0 {
		switch {
		case len(a) > 0 && !in(a[0]):
			a = a[1:]
		case len(b) > 0 && !in(b[0]):
			b = b[1:]
		case len(b) == 0 || len(a) > 0 && byPlace(a[0], b[0]) < 0:
			f.gone, a = append(f.gone, a[0]), a[1:]
		case len(a) == 0 || byPlace(a[0], b[0]) > 0:
			f.come, b = append(f.come, b[0]), b[1:]
		default:
			f.compare(a[0], b[0])
			a, b = a[1:], b[1:]
		}
	}
	texts := append(f.changed, f.moved()...)
	if len(texts) == 0 {
		return nil
	}
	return []delta{{text: texts[0] + more(len(texts)-1)}}
}

// byPlace compares where files are.
func byPlace(a, b file) int {
	return cmp.Or(cmp.Compare(a.Mount, b.Mount), cmp.Compare(a.Path, b.Path))
}

// A fileComparer collects what differs between files.
type fileComparer struct {
	changed    []string
	come, gone []file
}

// compare compares two files of one path.
func (f *fileComparer) compare(old, now file) {
	now.From = cmp.Or(now.From, old.From)
	name := now.name()
	switch {
	case old.Mode&typeBits != now.Mode&typeBits:
		f.add("%s is %s now, before %s", name, now.kind(), old.kind())
	case old.Sum != now.Sum && now.Path == startscript.Helper:
		f.add("%s is another one", path.Base(now.Path))
	case old.Sum != now.Sum:
		f.add("%s changed", name)
	case old.Target != now.Target:
		f.add("%s: target %s to %s", name, quoted(old.Target), quoted(now.Target))
	case old.Mode != now.Mode:
		f.add("%s: mode %04o to %04o", name, old.Mode&^typeBits, now.Mode&^typeBits)
	case old.Owner != now.Owner:
		f.add("%s: owner %s to %s", name, cmp.Or(visible(old.Owner), "root"), cmp.Or(visible(now.Owner), "root"))
	}
}

func (f *fileComparer) add(format string, args ...any) {
	f.changed = append(f.changed, fmt.Sprintf(format, args...))
}

// moved returns what came and what went. A file that is at another path is named once. Directories come last: one that lost its last file comes as
// an empty one, and one that got its first file goes as such.
func (f *fileComparer) moved() []string {
	type content struct{ from, sum string }
	left := map[content][]file{}
	for _, g := range f.gone {
		id := content{g.From, g.Sum}
		left[id] = append(left[id], g)
	}
	var moved, come, gone, dirs []string
	add := func(to *[]string, sign string, f file) {
		if f.Mode&typeBits == dirType {
			to = &dirs
		}
		*to = append(*to, sign+f.name())
	}
	paired := map[file]bool{}
	for _, c := range f.come {
		id := content{c.From, c.Sum}
		if was := left[id]; c.From != "" && len(was) > 0 {
			left[id], paired[was[0]] = was[1:], true
			moved = append(moved, fmt.Sprintf("%s: %s to %s", c.name(), short(was[0].Path), short(c.Path)))
			continue
		}
		add(&come, "+ ", c)
	}
	for _, g := range f.gone {
		if !paired[g] {
			add(&gone, "- ", g)
		}
	}
	return slices.Concat(moved, come, gone, dirs)
}

// typeBits are the bits of a mode that say what a file is, and dirType what they are of a directory; see inode(7).
const (
	typeBits = 0o170000
	dirType  = 0o040000
)

func (f file) kind() string {
	switch f.Mode & typeBits {
	case dirType:
		return "a directory"
	case 0o120000:
		return "a symbolic link"
	}
	return "a file"
}

// name is what people know the file by: the path in the folder of the spec, or in the image.
func (f file) name() string { return short(cmp.Or(f.From, f.Path)) }

// more says how many more there are.
func more(n int) string {
	if n <= 0 {
		return ""
	}
	return " and " + strconv.Itoa(n) + " more"
}
