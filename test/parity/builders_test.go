package parity

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/render/dockerfile"
)

// offline is specs/pulp.yaml with what other builders fetch by themselves, which no source policy leads to the lab.
func offline(t *testing.T) *family.Family {
	t.Helper()
	return resolve(t, "../../specs/pulp.yaml", map[string]string{
		"base":      on.lab.Registry + "/fedora:20",
		"pulp_repo": on.lab.RepoURL + "/fedora-pulp.repo",
	})
}

// tool runs a program to its end.
func tool(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// layoutImage reads the one image of an image layout.
func layoutImage(t *testing.T, dir string) image {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, ocispec.ImageIndexFile))
	if err != nil {
		t.Fatal(err)
	}
	var index ocispec.Index
	if err := json.Unmarshal(data, &index); err != nil || len(index.Manifests) != 1 {
		t.Fatalf("%s is no layout with one image: %v\n%s", dir, err, data)
	}
	blobs, err := layout.OpenBlobs(dir)
	if err != nil {
		t.Fatal(err)
	}
	return on.reader.Image(t, blobs, index.Manifests[0].Digest)
}

func TestBuildx(t *testing.T) {
	f := offline(t)
	want := direct(t, f)
	dir, out := writeFolder(t, f), t.TempDir()
	for _, i := range f.Images {
		withoutSyntax(t, filepath.Join(dir, i.Name, dockerfile.Name))
	}
	buildx := filepath.Join(cacheDir(t), "buildx")
	tool(t, "../..", []string{"CGO_ENABLED=0"}, "go", "build", "-C", "test/bench/buildx", "-trimpath", "-ldflags", "-s -w", "-o", buildx, "github.com/docker/buildx/cmd/buildx")
	env := []string{"BUILDX_CONFIG=" + filepath.Join(out, "config"), "DOCKER_CONFIG=" + filepath.Join(out, "docker"), "BUILDX_BUILDER=parity",
		"BUILDX_NO_DEFAULT_ATTESTATIONS=1"}
	tool(t, dir, env, buildx, "create", "--name", "parity", "--driver", "remote", on.engine.Address())
	args := []string{"bake", "--progress", "plain", "--allow", "fs.write=" + out}
	for _, i := range f.Images {
		args = append(args, "--set", i.Name+".output=type=oci,tar=false,dest="+filepath.Join(out, i.Name))
	}
	tool(t, dir, env, buildx, args...)
	for _, i := range f.Images {
		compare(t, i, want[i.Name], layoutImage(t, filepath.Join(out, i.Name)))
	}
}

// withoutSyntax removes the first line, which has the frontend fetched. The one that is part of the engine is the same.
func withoutSyntax(t *testing.T, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text, ok := bytes.CutPrefix(text, []byte("# syntax=docker/dockerfile:1\n"))
	if !ok {
		t.Fatalf("%s does not begin with its syntax", file)
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

// cacheDir is where programs are kept that take long to compile. The bench has its buildx there too.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "pulpimg-bench")
}

func TestPodmanAndBuildah(t *testing.T) {
	f := offline(t)
	want := direct(t, f)
	dir, store := writeFolder(t, f), t.TempDir()
	conf := filepath.Join(store, "storage.conf")
	text := "[storage]\ndriver = \"overlay\"\ngraphroot = \"" + filepath.Join(store, "root") + "\"\nrunroot = \"" + filepath.Join(store, "run") + "\"\n"
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	env := []string{"CONTAINERS_STORAGE_CONF=" + conf, "BUILDAH_ISOLATION=chroot", "TMPDIR=" + store}
	for _, builder := range []string{"buildah", "podman"} {
		t.Run(builder, func(t *testing.T) {
			tool(t, "/", append(env, "BUILDER="+builder), filepath.Join(dir, "build.sh"), "--tls-verify=false", "--no-cache")
			for _, i := range f.Images {
				out := filepath.Join(t.TempDir(), i.Name)
				tool(t, "/", env, builder, "push", i.Reference, "oci:"+out)
				compareForeign(t, i, want[i.Name], layoutImage(t, out))
			}
		})
	}
}

// mountPoints are where builders mount something for the length of a command. podman and buildah leave empty files in place of some when
// they run commands in a chroot, and take away the directory of a cache.
var mountPoints = []string{"/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/var/cache/dnf"}

// compareForeign compares with an image that another program built: its history, and what it says of itself, are its own.
func compareForeign(t *testing.T, source *family.Image, direct, built image) {
	t.Helper()
	for _, name := range mountPoints {
		delete(direct.Tree, name)
		delete(built.Tree, name)
	}
	for _, difference := range unlikeTrees(source, direct, built) {
		t.Errorf("%s: %s", source.Name, difference)
	}
	delete(built.Config.Config.Labels, "io.buildah.version")
	direct.Config.Author, built.Config.Author = "", ""
	if diff := cmp.Diff(settings(source, direct.Config), settings(source, built.Config), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s: config (-direct +other):\n%s", source.Name, diff)
	}
}
