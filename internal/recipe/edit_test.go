package recipe_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// TestSince_isTrueOfRandomEdits edits specs and their files at random, and compares what is said with the keys and the configs.
func TestSince_isTrueOfRandomEdits(t *testing.T) {
	const edits = 25
	for _, test := range []struct {
		name, dir, file string
		made            []string
	}{
		{"everything", "testdata/everything", "pulpimg.yaml", nil},
		{"pulp", "../../specs", "pulp.yaml", nil},
		{"pulp-el7", "../../specs", "pulp-el7.yaml", nil},
		{"pulpimg", "../../specs/pulpimg", "pulpimg.yaml", []string{"linux/amd64/pulpimg"}},
		{"clock", "../../examples/clock", "pulpimg.yaml", []string{"bin/server", "bin/client"}},
		{"django", "../../examples/django", "pulpimg.yaml", nil},
		{"go-service", "../../examples/go-service", "pulpimg.yaml", nil},
		{"guestbook", "../../examples/guestbook", "pulpimg.yaml", nil},
		{"site", "../../examples/site", "pulpimg.yaml", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := copied(t, test.dir, test.made...)
			file := filepath.Join(dir, test.file)
			original, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w := world{build: amd64}
			first, err := load(file)
			if err != nil {
				t.Fatal(err)
			}
			was, err := stateOf(t, w, first)
			if err != nil {
				t.Fatal(err)
			}
			resolved, differ := 0, 0
			for seed := range uint64(edits * 4) {
				if resolved == edits {
					break
				}
				random := rand.New(rand.NewPCG(seed, 14))
				what, data := edited(t, random, original)
				if err := os.WriteFile(file, data, 0o600); err != nil {
					t.Fatal(err)
				}
				undo := func() {}
				if random.IntN(8) == 0 {
					var also string
					also, undo = editFile(t, random, first)
					what += " " + also
				}
				if f, err := load(file); err == nil {
					if is, err := stateOf(t, w, f); err == nil {
						resolved++
						if check(t, was, is) > 0 {
							differ++
						}
						if t.Failed() {
							t.Fatalf("edit %d: %s", seed, what)
						}
					}
				}
				undo()
			}
			t.Logf("%d edits resolve, and %d of them change an image", resolved, differ)
			if resolved < edits/4 || differ < resolved/4 {
				t.Errorf("%d edits resolve, and %d of them change an image", resolved, differ)
			}
		})
	}
}

// edited returns a spec with one or two edits.
func edited(t *testing.T, random *rand.Rand, data []byte) (what string, out []byte) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	for range 1 + random.IntN(2) {
		var all []*yaml.Node
		var walk func(n *yaml.Node, path string)
		paths := map[*yaml.Node]string{}
		walk = func(n *yaml.Node, path string) {
			all, paths[n] = append(all, n), path
			for i, c := range n.Content {
				if n.Kind == yaml.MappingNode {
					walk(c, path+"."+n.Content[i-i%2].Value)
				} else {
					walk(c, fmt.Sprintf("%s[%d]", path, i))
				}
			}
		}
		walk(&doc, "")
		n := all[2+random.IntN(len(all)-2)] // the first two are the whole
		if other := all[2+random.IntN(len(all)-2)]; n.Kind == yaml.ScalarNode && other.Kind == n.Kind && random.IntN(3) == 0 {
			what += fmt.Sprintf("%s %q to %q; ", paths[n], n.Value, other.Value)
			n.Value = other.Value
			continue
		}
		what += paths[n] + " " + editNode(random, n) + "; "
	}
	out, err := yaml.Marshal(&doc)
	if err != nil {
		t.Fatal(err)
	}
	return what, out
}

func editNode(random *rand.Rand, n *yaml.Node) string {
	step := 1
	if n.Kind == yaml.MappingNode {
		step = 2
	}
	items := len(n.Content) / step
	switch {
	case n.Kind == yaml.ScalarNode:
		before := n.Value
		switch {
		case n.Value == "true":
			n.Value = "false"
		case n.Value == "false":
			n.Value = "true"
		case random.IntN(3) == 0 && len(n.Value) > 1:
			n.Value = n.Value[:len(n.Value)-1]
		case random.IntN(3) == 0:
			n.Value = "2" + n.Value
		default:
			n.Value += "1"
		}
		return fmt.Sprintf("%q to %q", before, n.Value)
	case items == 0:
		return "empty"
	case items > 1 && random.IntN(2) == 0:
		a, b := random.IntN(items)*step, random.IntN(items)*step
		for i := range step {
			n.Content[a+i], n.Content[b+i] = n.Content[b+i], n.Content[a+i]
		}
		return fmt.Sprintf("swapped %d and %d", a/step, b/step)
	case n.Kind == yaml.SequenceNode && random.IntN(2) == 0:
		at := random.IntN(items)
		n.Content = append(n.Content, n.Content[at])
		return fmt.Sprintf("%d again", at)
	}
	at := random.IntN(items) * step
	n.Content = append(append([]*yaml.Node(nil), n.Content[:at]...), n.Content[at+step:]...)
	return fmt.Sprintf("without %d", at/step)
}

// editFile changes a file of a family's folder, and returns how to undo that.
func editFile(t *testing.T, random *rand.Rand, f *family.Family) (what string, undo func()) {
	t.Helper()
	var names []string
	for _, image := range f.Images {
		for _, step := range image.Steps {
			for _, file := range filesOf(step) {
				if c, ok := file.Content.(family.DiskContent); ok {
					folder, name, _ := c.File()
					names = append(names, filepath.Join(folder, name))
				}
			}
		}
	}
	if len(names) == 0 {
		return "no file", func() {}
	}
	name := names[random.IntN(len(names))]
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	switch random.IntN(3) {
	case 0:
		must(os.WriteFile(name, append(data, '#'), 0o600))
		return name + " changed", func() { must(os.WriteFile(name, data, 0o600)) }
	case 1:
		must(os.WriteFile(name+".new", data, 0o600))
		return name + ".new", func() { must(os.Remove(name + ".new")) }
	}
	must(os.Chmod(name, 0o755))
	return name + " executable", func() { must(os.Chmod(name, 0o644)) }
}

func filesOf(step family.Step) []family.File {
	switch s := step.(type) {
	case family.Files:
		return s.Files
	case family.Run:
		var out []family.File
		for _, m := range s.Mounts {
			out = append(out, m.Files...)
		}
		return out
	}
	return nil
}
