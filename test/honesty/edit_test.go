package honesty

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// A site is a place of a spec where a key of the language is, or could be.
type site struct {
	subject *subject
	object  *schema.Object
	key     schema.Key
	path    []string   // of the mapping
	mapping *yaml.Node // that has the key, or could have it
	doc     *yaml.Node
}

// name is that of the key, the same one for all sites of it.
func (s site) name() string { return s.object.Name + "." + s.key.Name }

// value returns the value of the key, or nil.
func (s site) value() *yaml.Node { return valueOf(s.mapping, s.key.Name) }

// others returns names that may be written in place of a value: of images for an image, and of files for a file.
func (s site) others(t *testing.T) []string {
	t.Helper()
	switch s.name() {
	case "copy.image", "mount.image", "image.from":
		images := valueOf(s.doc.Content[0], "images")
		if images == nil {
			return nil
		}
		var out []string
		for i := 0; i < len(images.Content); i += 2 {
			out = append(out, images.Content[i].Value)
		}
		return out
	case "mount.from", "copy.from":
		return s.subject.files(t)
	}
	return nil
}

// sites returns all sites of a spec, of which the file is parsed anew each time.
func sites(t *testing.T, s *subject) []site {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(s.read(t, s.edited())), &doc); err != nil {
		t.Fatal(err)
	}
	var out []site
	var walk func(n *yaml.Node, of schema.Type, path []string)
	walk = func(n *yaml.Node, of schema.Type, path []string) {
		switch of := of.(type) {
		case schema.OneOf:
			for _, one := range of {
				if fits(n, one) {
					walk(n, one, path)
				}
			}
		case schema.List:
			for i, item := range n.Content {
				walk(item, of.Items, append(slices.Clip(path), strconv.Itoa(i)))
			}
		case schema.Map:
			for i := 1; i < len(n.Content); i += 2 {
				walk(n.Content[i], of.Values, append(slices.Clip(path), n.Content[i-1].Value))
			}
		case *schema.Object:
			for _, key := range of.Keys {
				out = append(out, site{s, of, key, path, n, &doc})
				if value := valueOf(n, key.Name); value != nil {
					walk(value, key.Type, append(slices.Clip(path), key.Name))
				}
			}
		}
	}
	walk(doc.Content[0], schema.Spec(), nil)
	return out
}

// fits reports whether a node is of the kind that a type has.
func fits(n *yaml.Node, of schema.Type) bool {
	switch of.(type) {
	case schema.List:
		return n.Kind == yaml.SequenceNode
	case schema.Map, *schema.Object:
		return n.Kind == yaml.MappingNode
	}
	return n.Kind == yaml.ScalarNode
}

func valueOf(mapping *yaml.Node, key string) *yaml.Node {
	for i := 1; i < len(mapping.Content); i += 2 {
		if mapping.Content[i-1].Value == key {
			return mapping.Content[i]
		}
	}
	return nil
}

// An edit is what was done to a spec or a file of it.
type edit struct {
	text  string
	words []string // of which a reason has to have one
	image string   // in which the edit was made; empty if it is about all
	undo  func()
}

// edit makes a random edit at a site, which may make the spec invalid.
func (s site) edit(t *testing.T, random *rand.Rand) edit {
	t.Helper()
	before := s.subject.read(t, s.subject.edited())
	e := edit{words: []string{s.key.Name, s.object.Name}, undo: func() { s.subject.write(t, s.subject.edited(), before) }}
	if len(s.path) > 1 && s.path[0] == "images" {
		e.image = s.path[1]
	}
	if len(s.path) > 0 {
		e.words = append(e.words, s.path[len(s.path)-1])
	}
	value := s.value()
	e.words = append(e.words, scalars(value)...)
	at := fmt.Sprintf("%s: %s", strings.Join(s.path, "."), s.key.Name)
	others := s.others(t)
	switch {
	case s.name() == "spec.extends" && value != nil:
		e = s.extendsCopy(t, e, value)
	case value != nil && value.Kind == yaml.ScalarNode && len(others) > 0 && random.IntN(2) == 0:
		before := value.Value
		value.Value = others[random.IntN(len(others))]
		e.text = fmt.Sprintf("%s %q to %q", at, before, value.Value)
	case value == nil:
		added := exampleOf(t, s.key)
		s.mapping.Content = append(s.mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: s.key.Name}, added)
		e.text, value = at+" added", added
	case !s.key.Required && random.IntN(4) == 0:
		e.text = at + " removed"
		s.mapping.Content = slices.DeleteFunc(s.mapping.Content, func(n *yaml.Node) bool {
			return n == value || n.Value == s.key.Name && n.Kind == yaml.ScalarNode && isKey(s.mapping, n)
		})
	default:
		e.text = at + " " + change(random, value, s.key.Type)
	}
	e.words = append(e.words, scalars(value)...)
	if s.key.Name == "exclude" { // a reason names what comes or goes with a pattern
		e.words = append(e.words, s.subject.files(t)...)
	}
	data, err := yaml.Marshal(s.doc)
	if err != nil {
		t.Fatal(err)
	}
	s.subject.write(t, s.subject.edited(), string(data))
	return e
}

// extendsCopy has the spec be on top of a copy of what it is on top of.
func (s site) extendsCopy(t *testing.T, e edit, value *yaml.Node) edit {
	t.Helper()
	undo, name := e.undo, "copy-of-"+value.Value
	s.subject.write(t, name, s.subject.read(t, value.Value))
	e.text = fmt.Sprintf("extends: %s to %s", value.Value, name)
	e.undo = func() {
		undo()
		if err := os.RemoveAll(filepath.Join(s.subject.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	value.Value = name
	return e
}

func isKey(mapping, n *yaml.Node) bool {
	at := slices.Index(mapping.Content, n)
	return at >= 0 && at%2 == 0
}

func exampleOf(t *testing.T, key schema.Key) *yaml.Node {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(key.Example), &doc); err != nil {
		t.Fatalf("the example of %s: %v", key.Name, err)
	}
	return doc.Content[0]
}

// scalars returns all that is written in a node, and the words of it. Of a long one, which a reason shortens, it also returns the end.
func scalars(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		out := append(strings.Fields(n.Value), n.Value, strings.TrimPrefix(n.Value, "docker.io/library/"))
		if at := strings.LastIndex(n.Value, "/"); at > 30 && at+10 < len(n.Value) {
			out = append(out, n.Value[at+1:])
		}
		return out
	}
	var out []string
	for _, c := range n.Content {
		out = append(out, scalars(c)...)
	}
	return out
}

// change changes a value in one of the ways of its type, and says how.
func change(random *rand.Rand, n *yaml.Node, of schema.Type) string {
	if one, ok := of.(schema.OneOf); ok {
		for _, of := range one {
			if fits(n, of) {
				return change(random, n, of)
			}
		}
	}
	switch n.Kind {
	case yaml.ScalarNode:
		before := n.Value
		n.Value = another(random, n.Value, of)
		return fmt.Sprintf("%q to %q", before, n.Value)
	case yaml.SequenceNode:
		return changeItems(random, n, of, 1)
	}
	return changeItems(random, n, of, 2)
}

// changeItems changes a list, or a mapping, whose items have two nodes each.
func changeItems(random *rand.Rand, n *yaml.Node, of schema.Type, size int) string {
	items := len(n.Content) / size
	if items == 0 {
		return "is empty"
	}
	at := random.IntN(items) * size
	switch way := random.IntN(4); {
	case way == 0 && items > 1:
		n.Content = slices.Delete(n.Content, at, at+size)
		return fmt.Sprintf("without item %d", at/size)
	case way == 1 && items > 1:
		other := (at + size) % len(n.Content)
		for i := range size {
			n.Content[at+i], n.Content[other+i] = n.Content[other+i], n.Content[at+i]
		}
		return fmt.Sprintf("items %d and %d in another order", at/size, other/size)
	case way == 2:
		added := copyOf(n.Content[at : at+size])
		if added[0].Kind == yaml.ScalarNode {
			added[0].Value += "1"
		}
		n.Content = append(n.Content, added...)
		return fmt.Sprintf("with another item like %d", at/size)
	}
	return fmt.Sprintf("item %d: %s", at/size, change(random, n.Content[at+size-1], inside(of)))
}

func inside(of schema.Type) schema.Type {
	switch of := of.(type) {
	case schema.List:
		return of.Items
	case schema.Map:
		return of.Values
	}
	return schema.String{}
}

func copyOf(nodes []*yaml.Node) []*yaml.Node {
	out := make([]*yaml.Node, len(nodes))
	for i, n := range nodes {
		other := *n
		other.Content = copyOf(n.Content)
		out[i] = &other
	}
	return out
}

// another returns another value of a type, which is probably valid.
func another(random *rand.Rand, value string, of schema.Type) string {
	pick := func(from ...string) string {
		from = slices.DeleteFunc(from, func(s string) bool { return s == value })
		return from[random.IntN(len(from))]
	}
	switch of.(type) {
	case schema.Boolean:
		return pick("true", "false")
	case schema.Count:
		return pick("2", "3", "7")
	case schema.Duration:
		return pick("7s", "1m30s", "1500ms")
	case schema.Mode:
		return pick("0644", "0600", "0755", "0555")
	}
	all := []string{value + "1", value + "1", value + "x", "2" + value, pick("SIGINT", "SIGQUIT"), pick("1000", "0:0", "7:8", "root", "nobody"), "${{ " + value + " }}"}
	if len(value) > 1 {
		all = append(all, value[:len(value)-1])
	}
	if strings.Contains(value, "\n") {
		all = append(all, value+"# a comment\n", value+"true\n")
	}
	return pick(all...)
}

// files returns the files of a subject that are no specs, by their paths in its folder.
func (s *subject) files(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(s.dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".md") {
			if name, err = filepath.Rel(s.dir, name); err == nil {
				names = append(names, name)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// editFile changes a file of a subject at random.
func editFile(t *testing.T, random *rand.Rand, s *subject, way string) (edit, bool) {
	t.Helper()
	names := s.files(t)
	if len(names) == 0 {
		return edit{}, false
	}
	name := filepath.Join(s.dir, names[random.IntN(len(names))])
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	e := edit{text: filepath.Base(name) + " " + way, words: []string{filepath.Base(name)}, undo: func() {
		must(os.WriteFile(name, data, 0o644))
		must(os.Chmod(name, 0o644))
	}}
	switch way {
	case "altered":
		must(os.WriteFile(name, append(data, '#'), 0o644))
	case "executable":
		must(os.Chmod(name, 0o755))
	case "touched":
		must(os.WriteFile(name, data, 0o644))
	case "removed":
		must(os.Remove(name))
	case "added":
		must(os.WriteFile(name+".new", data, 0o644))
		e.undo = func() { must(os.RemoveAll(name + ".new")) } // edits are undone more than once
	}
	return e, true
}
