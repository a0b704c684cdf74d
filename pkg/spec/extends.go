package spec

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// maxFiles bounds how many files a spec consists of. A family seldom has more than a base, a variant and a site.
const maxFiles = 20

// A File is one of the files that a spec extends.
type File struct {
	// Name is the name in errors and positions: the path from where the user is.
	Name string
	// Path is the path from the folder of the spec, with slashes.
	Path string
	// Data is the file's content.
	Data []byte
}

// A loader reads a spec and the files that it extends, and puts them together.
type loader struct {
	*reader
	name   string // of the spec
	folder fs.FS  // of the spec
	// files are those that were read, each based on the next one. The first is the spec itself.
	files []File
	size  int // of all files, in bytes
	nodes int // of all files, with aliases written out
}

// load returns the root of a spec with everything that it extends, or nil if that cannot be told.
func (l *loader) load(data []byte) *yaml.Node {
	var roots []*yaml.Node
	for file := (File{Name: l.name, Path: filepath.Base(l.name), Data: data}); ; {
		l.files = append(l.files, file)
		root := l.parse(file)
		if root == nil {
			return nil
		}
		roots = append(roots, root)
		extends, ok := l.extends(root)
		if !ok {
			break
		}
		if file, ok = l.next(file, extends); !ok {
			return nil
		}
	}
	merged := roots[len(roots)-1]
	for _, root := range slices.Backward(roots[:len(roots)-1]) {
		merged = l.mergeRoots(merged, root)
	}
	if l.report.Err() != nil {
		return nil
	}
	return merged
}

// parse returns the root of one file, or nil, if it cannot be read as a file of a spec.
func (l *loader) parse(file File) *yaml.Node {
	own := NewReport(file.Name)
	defer func() { l.report.errors = append(l.report.errors, own.errors...) }()
	if l.size += len(file.Data); l.size > maxSize && len(file.Data) <= maxSize {
		own.AddAt(start, "", "the files of the spec are larger than %d MiB together, the largest size of a spec", maxSize>>20)
		return nil
	}
	root := parseYAML(file.Data, own, "give each family a file of its own")
	if root == nil && own.Err() == nil {
		own.AddAt(start, `begin with "version: 1"`, "the file is empty")
	}
	if own.Err() != nil {
		return nil
	}
	if l.nodes += checkSize(root, own); l.nodes > maxNodes && own.Err() == nil {
		own.AddAt(start, "write the values out instead", "with their aliases written out, the files of the spec have more than %d values or %d MB of text", maxNodes, maxNodes*textPerNode/1_000_000)
	}
	if own.Err() != nil {
		return nil
	}
	text := &source{lines: runes(file.Data)}
	if len(l.files) > 1 {
		text.name = file.Name
	}
	l.mark(root, text)
	before := l.report.Len()
	if l.version(root); l.report.Len() > before {
		return nil
	}
	return root
}

// extends returns the value of the key of that name.
func (l *loader) extends(root *yaml.Node) (value *yaml.Node, ok bool) {
	for i := 0; i+1 < len(root.Content); i += 2 {
		if key := root.Content[i]; key.Kind == yaml.ScalarNode && key.Value == "extends" {
			return root.Content[i+1], true
		}
	}
	return nil, false
}

// next reads the file that another one extends. It returns false if there is an error about it.
func (l *loader) next(from File, value *yaml.Node) (next File, ok bool) {
	var t Text
	before := l.report.Len()
	if l.text(&t, "extends")(value); l.report.Len() > before {
		return next, false
	}
	next.Path = path.Join(path.Dir(from.Path), t.Value)
	next.Name = filepath.Join(filepath.Dir(l.name), filepath.FromSlash(next.Path))
	known := func(f File) bool { return f.Path == next.Path }
	switch at := slices.IndexFunc(l.files, known); {
	case l.folder == nil:
		l.report.Add(t.At, "", "there is no folder to read %q from", t.Value)
	case strings.Contains(t.Value, "${{"):
		l.report.Add(t.At, "name the file", "extends is read before there are variables")
	case t.Value == "" || path.IsAbs(t.Value) || strings.ContainsRune(t.Value, '\\') || !filepath.IsLocal(next.Path):
		l.report.Add(t.At, "name a file in the folder of the spec, or in one below it", "%q is outside the spec's folder", t.Value)
	case at >= 0:
		l.report.Add(t.At, "", "these files extend each other: %s", cycleOf(l.files[at:]))
	case len(l.files) == maxFiles:
		l.report.Add(t.At, "", "a spec may consist of %d files at most", maxFiles)
	default:
		var err error
		if next.Data, err = l.readFile(next.Path); err == nil {
			return next, true
		}
		l.report.Add(t.At, "", "%q cannot be read: %v", t.Value, cause(err))
	}
	return next, false
}

// readFile reads a file of the folder, up to a little more than it may have.
func (l *loader) readFile(name string) ([]byte, error) {
	f, err := l.folder.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxSize+1))
}

func cycleOf(files []File) string {
	var b strings.Builder
	for _, f := range files {
		b.WriteString(f.Path + " -> ")
	}
	return b.String() + files[0].Path
}

// cause returns why a file cannot be read, without its name, which is in the error around it.
func cause(err error) error {
	var wrapped *fs.PathError
	if !errors.As(err, &wrapped) {
		return err
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("there is no such file")
	case strings.Contains(wrapped.Err.Error(), "path escapes"): // package os has no value for it
		return errors.New("a symbolic link leads out of the spec's folder")
	}
	return wrapped.Err
}

// inPlaceOf are keys of a spec that say the same in different ways: what a file on top says takes the place of the other.
var inPlaceOf = map[string]string{"tag": "tags", "tags": "tag", "registry": "registries", "registries": "registry"}

// mergeRoots merges two files.
func (l *loader) mergeRoots(base, over *yaml.Node) *yaml.Node {
	replaced := map[string]bool{}
	for i := 0; i+1 < len(over.Content); i += 2 {
		replaced[inPlaceOf[over.Content[i].Value]] = true
	}
	below := *base
	below.Content = nil
	for i := 0; i+1 < len(base.Content); i += 2 {
		if key := base.Content[i].Value; key == "" || !replaced[key] {
			below.Content = append(below.Content, base.Content[i], base.Content[i+1])
		}
	}
	return l.merge(&below, over)
}

// merge returns a value with one that was written on top of it. Mappings are merged by key, and null on top takes a key away. Everything else
// replaces what is below. The base's keys keep their places, so that what is on top does not change the order of the rest. Neither value is
// changed, and an alias on top stands for a value of its own.
func (l *loader) merge(base, over *yaml.Node) *yaml.Node {
	below, above := l.follow(base), l.follow(over)
	if below.Kind != yaml.MappingNode || above.Kind != yaml.MappingNode {
		return over
	}
	merged := *above
	merged.Line, merged.Column, merged.Content = over.Line, over.Column, nil
	l.place(&merged, over)
	onTop := map[string]int{} // where the first key of a name is
	for i := 0; i+1 < len(above.Content); i += 2 {
		if key := above.Content[i]; key.Kind == yaml.ScalarNode {
			if _, ok := onTop[key.Value]; !ok {
				onTop[key.Value] = i
			}
		}
	}
	used := make([]bool, len(above.Content))
	for i := 0; i+1 < len(below.Content); i += 2 {
		key, value := below.Content[i], below.Content[i+1]
		at, ok := onTop[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode || !ok || used[at]: // a second key of one name is an error
			merged.Content = append(merged.Content, key, value)
		case isNull(l.follow(above.Content[at+1])):
			used[at] = true
		default:
			used[at] = true
			merged.Content = append(merged.Content, above.Content[at], l.merge(value, above.Content[at+1]))
		}
	}
	for i := 0; i+1 < len(above.Content); i += 2 {
		if key, value := above.Content[i], above.Content[i+1]; !used[i] {
			merged.Content = append(merged.Content, key, value)
			if isNull(value) {
				l.removes[value] = l.toRemove(key.Value, below)
			}
		}
	}
	return &merged
}

// toRemove returns a hint for a key that is null and takes nothing away.
func (l *loader) toRemove(key string, below *yaml.Node) string {
	var names []string
	for i := 0; i+1 < len(below.Content); i += 2 {
		names = append(names, below.Content[i].Value)
	}
	if near, ok := Nearest(key, names); ok {
		return fmt.Sprintf("null takes away what the file below says, which has no such key; did you mean %q?", near)
	}
	return "null takes away what the file below says, which has no such key"
}

// A source is the text that nodes were read from.
type source struct {
	name  string // empty for the spec itself
	lines [][]rune
}

// mark notes which text the nodes of a document are from.
func (r *reader) mark(n *yaml.Node, text *source) {
	if text.name == "" {
		r.top = text
		return
	}
	r.sources[n] = text
	for _, child := range n.Content {
		r.mark(child, text)
	}
}

// place says of a node that it is written where another one is.
func (r *reader) place(n, as *yaml.Node) {
	if text, ok := r.sources[as]; ok {
		r.sources[n] = text
	}
	r.ends[n] = r.lastLine(as)
}

// has reports whether a text has a string at a place, character by character.
func (s *source) has(line, column int, text string) bool {
	if line < 1 || line > len(s.lines) || column < 1 {
		return false
	}
	at := column - 1
	for _, c := range text {
		if at >= len(s.lines[line-1]) || s.lines[line-1][at] != c {
			return false
		}
		at++
	}
	return true
}

// sourceOf returns the text that a node is from.
func (r *reader) sourceOf(n *yaml.Node) *source {
	if text, ok := r.sources[n]; ok {
		return text
	}
	return r.top
}
