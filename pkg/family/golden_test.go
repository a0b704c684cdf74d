package family_test

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// specs are the families that come with pulpimg, by the name of their file without .yaml.
func specs(t testing.TB) map[string]*family.Family {
	t.Helper()
	files, err := filepath.Glob("../../specs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs: %v", err)
	}
	out := map[string]*family.Family{}
	for _, file := range files {
		s, err := spec.Load(file)
		if err != nil {
			t.Fatal(err)
		}
		f, err := family.Resolve(s, family.Options{Dir: filepath.Dir(file), Assets: builtIn()})
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(file), ".yaml")] = f
	}
	return out
}

func TestResolve_golden(t *testing.T) {
	for name, f := range specs(t) {
		t.Run(name, func(t *testing.T) {
			golden.Compare(t, filepath.Join("testdata", name+".txt"), dump(t, f))
			for _, i := range f.Images {
				if i.Config.Entrypoint != nil {
					golden.Compare(t, filepath.Join("testdata", name, i.Name+".start"), startScript(t, i))
				}
			}
		})
	}
}

func TestResolve_deterministic(t *testing.T) {
	first := map[string]string{}
	for name, f := range specs(t) {
		first[name] = dump(t, f)
	}
	for range 24 {
		for name, f := range specs(t) {
			if diff := cmp.Diff(first[name], dump(t, f)); diff != "" {
				t.Fatalf("%s (-first +now):\n%s", name, diff)
			}
		}
	}
}

// dump writes all of a family for people to read.
func dump(t testing.TB, f *family.Family) string {
	t.Helper()
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	data, err := f.Contract.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	line("family %s, published under %s with the tag %s\n\ncontract %s", f.Name, strings.Join(f.Registries, ", "), strings.Join(f.Tags, ", "), data)
	for _, s := range f.Kubernetes.Services {
		line("kubernetes service %s, port %d, selector %v, external %q", s.Name, s.Port, s.Selector, s.External)
	}
	if s := f.Kubernetes.Storage; s != nil {
		line("kubernetes storage %s, %s, class %q, volumes %q\n", s.Size, s.Access, s.Class, s.Volumes)
	}
	for _, i := range f.Images {
		from := i.Base
		if i.Parent != nil {
			from = "parent " + i.Parent.Name
		}
		line("image %s, lines %d-%d", i.Name, i.At.Start.Line, i.At.End.Line)
		line("  reference %s", i.Reference)
		line("  from %s", from)
		for _, key := range slices.Sorted(maps.Keys(i.Config.Labels)) {
			line("  label %s = %s", key, i.Config.Labels[key])
		}
		for _, v := range i.Config.Env {
			line("  env %s = %s", v.Name, v.Value)
		}
		c := i.Config
		line("  user %q, workdir %q, volumes %q, ports %q, entrypoint %q, command %q", c.User, c.WorkDir, c.Volumes, c.Ports, c.Entrypoint, c.Command)
		w := i.Workload
		line("  runs %t, kind %s, singleton %t, replicas %d, grace %s, capabilities %q, requests %v, limits %v", i.Runs(), w.Kind, w.Singleton, w.Replicas, w.Grace, w.DeclaredCapabilities, w.Requests, w.Limits)
		line("  runs as %q, capabilities %q, sockets %q, volumes %q, ports %v", w.User, w.Capabilities, w.Sockets, w.Volumes, w.Ports)
		if p := w.Probe; p != nil {
			line("  probe %q, each %s, for %s, %d times", p.Command, p.Interval, p.Timeout, p.Failures)
		}
		if s := i.Start; s != nil {
			line("  needs sockets %q, files %q, variables %q", s.Sockets, s.Files, s.Variables)
		}
		for _, s := range i.Steps {
			line("  step %q, lines %d-%d", s.Title(), s.At().Start.Line, s.At().End.Line)
			dumpStep(t, line, s)
		}
		line("")
	}
	return b.String()
}

func dumpStep(t testing.TB, line func(string, ...any), step family.Step) {
	t.Helper()
	switch s := step.(type) {
	case family.Fetch:
		line("    fetch %s, sha256 %q, to %s, mode %s", s.URL, s.SHA256, s.Path, s.Mode)
	case family.Packages:
		line("    %s groups %q, packages %q", s.Manager, s.Groups, s.Packages)
	case family.Run:
		line("    run script %q, args %q, secrets %q", s.Script, s.Args, s.Secrets)
	case family.Files:
		if s.Helpers != nil {
			line("    helpers %q", s.Helpers)
		}
		for _, f := range s.Files {
			line("    %s %s %s", f.Mode, f.Path, f.Target)
			if f.Mode.IsRegular() && f.Path != startscript.Path && f.Path != contract.Path {
				line("      | %s", strings.ReplaceAll(strings.TrimSuffix(content(t, f, "arm64"), "\n"), "\n", "\n      | "))
			}
		}
	}
}
