package pairs

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/test/images"
)

// A value is what a spec takes from a variable and its Dockerfile from a build argument.
type value struct{ variable, argument, value string }

// values are those that only the lab knows, by pair.
func values() map[string]value {
	return map[string]value{
		"awx":   {"repository", "REPOSITORY", on.lab.RepoURL + "/fedora-pulp.repo"},
		"nginx": {"apt", "APT", on.lab.RepoURL + "/apt"},
	}
}

// crossed are the pairs that need no emulation, whatever they are built for.
var crossed = []string{"kubebuilder"}

// Each directory of testdata is a spec and a Dockerfile for the same images. Each image that the spec publishes is a stage of that name.
func TestPairs(t *testing.T) {
	files, err := filepath.Glob("testdata/*/Dockerfile")
	if err != nil || len(files) == 0 {
		t.Fatalf("no pairs: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		t.Run(name, func(t *testing.T) {
			dir := folder(t, name)
			built := []string{"linux/" + runtime.GOARCH}
			if slices.Contains(crossed, name) {
				built = []string{"linux/amd64", "linux/arm64"}
			}
			for _, platform := range built {
				f, direct := fromSpec(t, dir, platform, values()[name])
				for _, source := range f.Published() {
					want := fromDockerfile(t, dir, source.Name, platform, values()[name])
					for _, difference := range unlike(source, direct[source.Name], want) {
						t.Errorf("%s for %s: %s", source.Name, platform, difference)
					}
				}
			}
		})
	}
}

// folder copies the files of a pair, with the modes that git gives them.
func folder(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(dir, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if info.Mode()&0o111 != 0 {
			mode = 0o755
		}
		return os.Chmod(file, mode)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func fromSpec(t *testing.T, dir, platform string, v value) (*family.Family, map[string]images.Image) {
	t.Helper()
	variables := map[string]string{}
	if v.variable != "" {
		variables[v.variable] = v.value
	}
	f, err := family.Load(filepath.Join(dir, "pulpimg.yaml"), family.Options{Variables: variables})
	if err != nil {
		t.Fatal(err)
	}
	result, err := build.Family(t.Context(), f, on.layout, build.Options{
		Engine:       engine.Options{Address: on.engine.Address()},
		Cache:        on.cache,
		SourcePolicy: on.policy,
		Platforms:    []ocispec.Platform{platforms.MustParse(platform)},
	})
	if err != nil {
		t.Fatalf("building the spec: %v", err)
	}
	// Layers of a base need not be here.
	if err := publish.Fill(t.Context(), on.layout, result.Build.Images, publish.Options{}); err != nil {
		t.Fatal(err)
	}
	built := map[string]images.Image{}
	for _, i := range result.Images {
		built[i.Name] = on.reader.Image(t, on.layout.Blobs(), i.Platforms[0].Digest)
	}
	return f, built
}

func fromDockerfile(t *testing.T, dir, stage, platform string, v value) images.Image {
	t.Helper()
	attributes := map[string]string{"target": stage, "platform": platform}
	if v.argument != "" {
		attributes["build-arg:"+v.argument] = v.value
	}
	manifest, err := on.frontend.Build(t.Context(), dir, attributes)
	if err != nil {
		t.Fatalf("building %s of the Dockerfile: %v", stage, err)
	}
	return on.reader.Image(t, on.frontend.Blobs, manifest)
}

// unlike returns the differences that are not allowed, as people read them.
func unlike(source *family.Image, spec, dockerfile images.Image) []string {
	all := maps.Clone(spec.Tree)
	maps.Copy(all, dockerfile.Tree)
	var out []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		is, should := spec.Tree[name], dockerfile.Tree[name]
		if is != should && !allowed(source, dockerfile, name, is, should) {
			out = append(out, fmt.Sprintf("%s\n  spec:       %s\n  Dockerfile: %s", name, is, should))
		}
	}
	if diff := cmp.Diff(settings(dockerfile.Config), settings(spec.Config), cmpopts.EquateEmpty()); diff != "" {
		out = append(out, "config (-Dockerfile +spec):\n"+diff)
	}
	return out
}

// settings are what a config says, other than times, layers and history, and what the list of differences leaves out.
func settings(c dockerspec.DockerOCIImage) any {
	for _, d := range configDifferences {
		d.leaveOut(&c.Config)
	}
	return struct {
		Platform ocispec.Platform
		Author   string
		Config   dockerspec.DockerOCIImageConfig
	}{c.Platform, c.Author, c.Config}
}

// What the other test relies on.
func TestUnlike(t *testing.T) {
	source := &family.Image{Name: "i", Config: family.Config{WorkDir: "/made/here"}}
	like := func(change func(*images.Image)) images.Image {
		i := images.Image{Tree: map[string]string{"/file": "file 0644 0:0 sha256:x", "/dir": "directory 0755 0:0"}}
		i.Config.Config.Env = []string{"A=b", "C=d"}
		change(&i)
		return i
	}
	plain := like(func(*images.Image) {})
	for name, test := range map[string]struct {
		change func(*images.Image)
		want   string
	}{
		"nothing":                {func(*images.Image) {}, ""},
		"content":                {func(i *images.Image) { i.Tree["/file"] = "file 0644 0:0 sha256:y" }, "/file"},
		"an owner":               {func(i *images.Image) { i.Tree["/dir"] = "directory 0755 1:1" }, "/dir"},
		"a file less":            {func(i *images.Image) { delete(i.Tree, "/file") }, "/file"},
		"a directory more":       {func(i *images.Image) { i.Tree["/new"] = "directory 0755 0:0" }, "/new"},
		"the working directory":  {func(i *images.Image) { i.Tree["/made/here"] = "directory 0755 0:0" }, ""},
		"a variable":             {func(i *images.Image) { i.Config.Config.Env = []string{"A=c", "C=d"} }, "config"},
		"the order of variables": {func(i *images.Image) { i.Config.Config.Env = []string{"C=d", "A=b"} }, ""},
		"a command":              {func(i *images.Image) { i.Config.Config.Cmd = []string{"a"} }, "config"},
	} {
		got := strings.Join(unlike(source, plain, like(test.change)), "\n")
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
