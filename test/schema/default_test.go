package schema

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/pulpimg/pulpimg/assets"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// A default is what a value means that is left out: the family is the same with it written and without it.
func TestDefaults(t *testing.T) {
	tried := map[string]bool{}
	for name, data := range fullSpecs(t) {
		full := parse(t, data)
		visit(schema.Spec(), full.Content[0], place{0}, func(o *schema.Object, at place) {
			for _, k := range o.Keys {
				if k.Default == "" {
					continue
				}
				without, with := clone(full), clone(full)
				remove(at.find(without), k.Name)
				remove(at.find(with), k.Name)
				set(at.find(with), k.Name, parse(t, []byte(k.Default)).Content[0])
				a, aErr := resolved(t, without)
				b, bErr := resolved(t, with)
				switch {
				case aErr != nil || bErr != nil: // something else here needs another value, or excludes any
				case a != b:
					t.Errorf("%s: %s of %s: without it: %s\nas %s: %s", name, k.Name, o.Name, a, k.Default, b)
				default:
					tried[o.Name+"."+k.Name] = true
				}
			}
		})
	}
	for _, o := range schema.Objects(schema.Spec()) {
		for _, k := range o.Keys {
			if k.Default != "" && !tried[o.Name+"."+k.Name] {
				t.Errorf("no spec shows the default of %s of %s", k.Name, o.Name)
			}
		}
	}
}

// visit calls f for every object of the language in a value.
func visit(kind schema.Type, n *yaml.Node, at place, f func(*schema.Object, place)) {
	down := func(kind schema.Type, i int) { visit(kind, n.Content[i], append(at[:len(at):len(at)], i), f) }
	switch kind := kind.(type) {
	case schema.OneOf:
		for _, one := range kind {
			visit(one, n, at, f)
		}
	case schema.List:
		if n.Kind == yaml.SequenceNode {
			for i := range n.Content {
				down(kind.Items, i)
			}
		}
	case schema.Map:
		if n.Kind == yaml.MappingNode {
			for i := 1; i < len(n.Content); i += 2 {
				down(kind.Values, i)
			}
		}
	case *schema.Object:
		if n.Kind != yaml.MappingNode {
			return
		}
		f(kind, at)
		for _, k := range kind.Keys {
			for i := 0; i+1 < len(n.Content); i += 2 {
				if n.Content[i].Value == k.Name {
					down(k.Type, i+1)
				}
			}
		}
	}
}

func remove(mapping *yaml.Node, key string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = append(mapping.Content[:i], mapping.Content[i+2:]...)
			return
		}
	}
}

func set(mapping *yaml.Node, key string, value *yaml.Node) {
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

// resolved returns all that a spec means, but for where it says so.
func resolved(t *testing.T, document *yaml.Node) (string, error) {
	t.Helper()
	data, err := yaml.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	read, err := spec.Parse("spec.yaml", data)
	if err != nil {
		return "", err
	}
	f, err := family.Resolve(read, family.Options{Dir: folder, Assets: assets.FS()})
	if err != nil {
		return "", err
	}
	contract, err := f.Contract.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %v %v %v %v\n%s\n", f.Name, f.Registries, f.Tags, f.Immutable, f.Refresh.Bound(), contract)
	for _, s := range f.Kubernetes.Services {
		s.At = spec.Range{}
		fmt.Fprintf(&b, "%+v\n", s)
	}
	fmt.Fprintln(&b, f.Kubernetes.NetworkPolicy)
	if f.Kubernetes.Storage != nil {
		storage := *f.Kubernetes.Storage
		storage.At = spec.Range{}
		fmt.Fprintf(&b, "%+v\n", storage)
	}
	for _, image := range f.Images {
		config := image.Config
		config.Healthcheck = nil
		fmt.Fprintf(&b, "%s %v %s %v\n", image.Name, image.References, image.Base, config)
		if h := image.Config.Healthcheck; h != nil {
			writeCheck(&b, h.HTTP)
			check := *h
			check.HTTP = nil
			fmt.Fprintf(&b, "%+v\n", check)
		}
		workload := image.Workload
		workload.At, workload.Probe, workload.DisruptionBudget = spec.Range{}, nil, nil
		fmt.Fprintf(&b, "%+v %v\n", workload, image.Workload.DisruptionBudget)
		if p := image.Workload.Probe; p != nil {
			writeCheck(&b, p.HTTP)
			probe := *p
			probe.HTTP = nil
			fmt.Fprintf(&b, "%+v\n", probe)
		}
		for _, s := range image.Steps {
			writeStep(t, &b, s)
		}
	}
	return b.String(), nil
}

func writeCheck(b *strings.Builder, page *family.HTTPProbe) {
	if page != nil {
		fmt.Fprintf(b, "%+v\n", *page)
	}
}

func writeStep(t *testing.T, b *strings.Builder, step family.Step) {
	t.Helper()
	fmt.Fprintf(b, "  %s %v\n", step.Title(), family.RefreshOf(step).Bound())
	switch s := step.(type) {
	case family.Fetch:
		fmt.Fprintln(b, s.URL, s.SHA256, s.Path, s.Mode)
	case family.Packages:
		fmt.Fprintln(b, s.Manager, s.Groups, s.Packages)
	case family.Run:
		fmt.Fprintf(b, "%q %q %q\n", s.Script, s.Args, s.Secrets)
	case family.Directories:
		fmt.Fprintln(b, s.Dirs)
	case family.Files:
		for _, f := range s.Files {
			fmt.Fprintln(b, f.Path, f.Mode, f.Target, f.Owner)
			if f.Content == nil || strings.HasSuffix(f.Path, "/pulp-helper") {
				continue
			}
			content, err := f.Content.Open("amd64")
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(content)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(b, "%s\n", data)
		}
	}
}
