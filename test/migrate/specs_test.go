package migrate

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/dockerfile"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// required are the variables without a default, by spec.
var required = map[string]map[string]string{
	"home-assistant": {"build_from": "ghcr.io/home-assistant/amd64-homeassistant-base:2026.1"},
}

// noDockerfile are the specs that no Dockerfile can say, with a part of what pulpimg says about it.
var noDockerfile = map[string]string{
	"authentik":   "names the one that is built for",
	"ollama":      "names the one that is built for",
	"pi-hole":     "a Dockerfile could not go back to the directory",
	"traefik":     "names the one that is built for",
	"vault":       "names the one that is built for",
	"vaultwarden": "names the one that is built for",
}

// names returns the names of the specs.
func names(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("specs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs: %v", err)
	}
	out := make([]string, len(files))
	for i, file := range files {
		out[i] = strings.TrimSuffix(filepath.Base(file), ".yaml")
	}
	return out
}

// folder makes a directory that has the specs and all files that they name.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("specs")); err != nil {
		t.Fatal(err)
	}
	list, err := os.ReadFile("specs/folder.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.FieldsSeq(string(list)) {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(name+"\n"), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// load resolves a spec for an architecture.
func load(t *testing.T, dir, name, arch string) *family.Family {
	t.Helper()
	f, err := family.Load(filepath.Join(dir, name+".yaml"), family.Options{Variables: required[name], Target: family.Target{Arch: arch}})
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check(arch); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestSpecs_valid(t *testing.T) {
	dir := folder(t)
	for _, name := range names(t) {
		for _, arch := range []string{"amd64", "arm64"} {
			t.Run(name+"/"+arch, func(t *testing.T) {
				if f := load(t, dir, name, arch); len(f.Published()) == 0 {
					t.Error("it publishes nothing")
				}
			})
		}
	}
}

func TestSpecs_asDockerfiles(t *testing.T) {
	dir := folder(t)
	for _, name := range names(t) {
		t.Run(name, func(t *testing.T) {
			_, err := dockerfile.Generate(t.Context(), load(t, dir, name, "amd64"), dockerfile.Options{})
			why, refused := noDockerfile[name]
			var mistakes spec.Errors
			switch {
			case !refused && err != nil:
				t.Error(err)
			case refused && (!errors.As(err, &mistakes) || !strings.Contains(err.Error(), why)):
				t.Errorf("%v, want %q", err, why)
			}
		})
	}
}

// A construct is something that Dockerfiles say, and whether an image says it.
type construct struct {
	name string
	in   func(*family.Image) bool
}

// runs reports whether an image has a command of some kind.
func runs(like func(family.Run) bool) func(*family.Image) bool {
	return func(i *family.Image) bool {
		for _, s := range i.Steps {
			if r, ok := s.(family.Run); ok && like(r) {
				return true
			}
		}
		return false
	}
}

// copies reports whether an image takes files from an image of some kind.
func copies(like func(family.Copy) bool) func(*family.Image) bool {
	return func(i *family.Image) bool {
		for _, s := range i.Steps {
			if f, ok := s.(family.Files); ok {
				for _, c := range f.Copies {
					if like(c) {
						return true
					}
				}
			}
		}
		return false
	}
}

// installs reports whether an image has packages of a package manager.
func installs(manager family.PackageManager) func(*family.Image) bool {
	return func(i *family.Image) bool {
		for _, s := range i.Steps {
			if p, ok := s.(family.Packages); ok && p.Manager == manager {
				return true
			}
		}
		return false
	}
}

// constructs are those that were counted in public Dockerfiles, and those that go with them.
var constructs = []construct{
	{"COPY --from of a stage", copies(func(c family.Copy) bool { return c.Source.Image != nil })},
	{"COPY --from of an image", copies(func(c family.Copy) bool { return c.Source.Reference != "" })},
	{"COPY --from with a pattern", copies(func(c family.Copy) bool { return strings.Contains(c.From, "*") })},
	{"--chown of a stage's files", copies(func(c family.Copy) bool { return c.Owner != "" })},
	{"--chown of the folder's files", func(i *family.Image) bool {
		return slices.ContainsFunc(filesOf(i), func(f family.File) bool { return f.Owner != "" })
	}},
	{"a directory with an owner", func(i *family.Image) bool {
		return slices.ContainsFunc(i.Steps, func(s family.Step) bool {
			d, ok := s.(family.Directories)
			return ok && slices.ContainsFunc(d.Dirs, func(d family.Directory) bool { return d.Owner != "" })
		})
	}},
	{"files left out", func(i *family.Image) bool {
		return slices.ContainsFunc(i.Declared.Steps, func(s spec.Step) bool {
			return slices.ContainsFunc(s.Files, func(c spec.Copy) bool { return len(c.Exclude) > 0 })
		})
	}},
	{"COPY with a pattern", func(i *family.Image) bool {
		return slices.ContainsFunc(i.Declared.Steps, func(s spec.Step) bool {
			return slices.ContainsFunc(s.Files, func(c spec.Copy) bool { return !c.Image.IsSet() && strings.Contains(c.From.Value, "*") })
		})
	}},
	{"RUN in a WORKDIR", func(i *family.Image) bool {
		return i.Config.WorkDir != "" && runs(func(r family.Run) bool { return r.WorkDir == "" })(i)
	}},
	{"RUN in another WORKDIR", runs(func(r family.Run) bool { return r.WorkDir != "" })},
	{"a bind mount of the folder", runs(func(r family.Run) bool { return hasMount(r, func(m family.Mount) bool { return m.Files != nil }) })},
	{"a bind mount of an image", runs(func(r family.Run) bool { return hasMount(r, func(m family.Mount) bool { return m.Source != nil }) })},
	{"a tmpfs mount", runs(func(r family.Run) bool { return hasMount(r, family.Mount.Tmpfs) })},
	{"TARGETARCH in RUN", runs(func(r family.Run) bool { return strings.Contains(r.Script, "$TARGETARCH") })},
	{"a cache mount", runs(func(r family.Run) bool { return len(r.Caches) > 0 })},
	{"RUN as a USER", runs(func(r family.Run) bool { return r.User != "" })},
	{"RUN with a variable", runs(func(r family.Run) bool { return len(r.Env) > 0 })},
	{"RUN with a secret", runs(func(r family.Run) bool { return len(r.Secrets) > 0 })},
	{"RUN without a shell", runs(func(r family.Run) bool { return len(r.Args) > 0 })},
	{"cross-compiling", func(i *family.Image) bool { return i.OnBuildPlatform }},
	{"ENV with ${PATH}", func(i *family.Image) bool {
		return strings.Contains(envOf(i)["PATH"], "${PATH}")
	}},
	{"apk", installs(family.Apk)},
	{"apt-get", installs(family.Apt)},
	{"dnf", installs(family.DNF)},
	{"HEALTHCHECK", func(i *family.Image) bool { return i.Config.Healthcheck != nil }},
	{"STOPSIGNAL", func(i *family.Image) bool { return i.Config.StopSignal != "" }},
	{"ENTRYPOINT", func(i *family.Image) bool { return len(i.Config.Entrypoint) > 0 }},
	{"CMD", func(i *family.Image) bool { return len(i.Config.Command) > 0 }},
	{"EXPOSE", func(i *family.Image) bool { return len(i.Config.Ports) > 0 }},
	{"VOLUME", func(i *family.Image) bool { return len(i.Config.Volumes) > 0 }},
	{"LABEL", func(i *family.Image) bool { return len(i.Config.Labels) > 0 }},
	{"USER", func(i *family.Image) bool { return i.Config.User != "" }},
	{"FROM scratch", func(i *family.Image) bool { return i.Base == family.Scratch }},
}

// filesOf returns the files of the folder that an image gets.
func filesOf(i *family.Image) []family.File {
	var out []family.File
	for _, s := range i.Steps {
		if f, ok := s.(family.Files); ok {
			out = append(out, f.Files...)
		}
	}
	return out
}

func hasMount(r family.Run, like func(family.Mount) bool) bool {
	for _, m := range r.Mounts {
		if like(m) {
			return true
		}
	}
	return false
}

// envOf returns the variables that an image and its steps set.
func envOf(i *family.Image) map[string]string {
	vars := map[string]string{}
	add := func(from []family.EnvVar) {
		for _, v := range from {
			vars[v.Name] += v.Value
		}
	}
	add(i.Config.Env)
	for _, s := range i.Steps {
		if e, ok := s.(family.Env); ok {
			add(e.Vars)
		}
	}
	return vars
}

// The specs say all that was counted.
func TestSpecs_haveEveryConstruct(t *testing.T) {
	dir := folder(t)
	missing := map[string]bool{}
	for _, c := range constructs {
		missing[c.name] = true
	}
	for _, name := range names(t) {
		for _, image := range load(t, dir, name, "amd64").Images {
			for _, c := range constructs {
				if c.in(image) {
					delete(missing, c.name)
				}
			}
		}
	}
	if len(missing) > 0 {
		t.Errorf("no spec has any of %v", missing)
	}
}

// README.md names each spec once, in the order of the files.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.SplitSeq(string(text), "\n") {
		if rest, ok := strings.CutPrefix(line, "| ["); ok {
			name, _, _ := strings.Cut(rest, "]")
			listed = append(listed, name)
			if !strings.Contains(line, "](specs/"+name+".yaml)") {
				t.Errorf("the link of %s does not lead to its spec", name)
			}
		}
	}
	if diff := cmp.Diff(names(t), listed); diff != "" {
		t.Errorf("the table (-specs +README.md):\n%s", diff)
	}
}
