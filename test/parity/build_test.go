package parity

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/gendir"
	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/render/dockerfile"
	"github.com/pulpimg/pulpimg/test/images"
)

// resolve reads a spec as the program does.
func resolve(t *testing.T, file string, variables map[string]string) *family.Family {
	t.Helper()
	f, err := family.Load(file, family.Options{Variables: variables})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// direct builds a family as LLB and returns its images by name.
func direct(t *testing.T, f *family.Family) map[string]image {
	t.Helper()
	result, err := build.Family(t.Context(), f, on.layout, build.Options{
		Engine:       engine.Options{Address: on.engine.Address()},
		Cache:        on.cache,
		SourcePolicy: on.policy,
	})
	if err != nil {
		t.Fatalf("building it directly: %v", err)
	}
	// Layers of a base need not be here.
	if err := publish.Fill(t.Context(), on.layout, result.Build.Images, publish.Options{}); err != nil {
		t.Fatal(err)
	}
	images := map[string]image{}
	for _, i := range result.Images {
		images[i.Name] = on.reader.Image(t, on.layout.Blobs(), i.Platforms[0].Digest)
	}
	return images
}

// byDockerfiles builds a family as Dockerfiles and returns its images by name.
func byDockerfiles(t *testing.T, f *family.Family) map[string]image {
	t.Helper()
	dir := writeFolder(t, f)
	images := map[string]image{}
	digests := map[string]digest.Digest{}
	for _, i := range f.Images {
		built := buildDockerfile(t, filepath.Join(dir, i.Name), i, digests)
		digests[i.Name] = built
		images[i.Name] = on.reader.Image(t, on.blobs, built)
	}
	return images
}

// writeFolder writes the Dockerfiles of a family.
func writeFolder(t *testing.T, f *family.Family) string {
	t.Helper()
	files, err := dockerfile.Generate(t.Context(), f, dockerfile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "dockerfiles")
	if _, err := (gendir.Folder{Dir: dir}).Write(t.Context(), files); err != nil {
		t.Fatal(err)
	}
	return dir
}

// buildDockerfile has the frontend that is part of BuildKit build one image. It finds its base as docker-bake.hcl has it: by a
// build context.
func buildDockerfile(t *testing.T, dir string, source *family.Image, built map[string]digest.Digest) digest.Digest {
	t.Helper()
	attrs := map[string]string{"build-arg:NEWLINE": "\n"}
	for _, image := range source.Uses() {
		named, err := reference.ParseNormalizedNamed(image.Reference)
		if err != nil {
			t.Fatal(err)
		}
		attrs["context:"+reference.FamiliarString(named)] = "oci-layout://" + images.Store + "@" + string(built[image.Name])
	}
	manifest, err := on.frontend.Build(t.Context(), dir, attrs)
	if err != nil {
		text, _ := os.ReadFile(filepath.Join(dir, dockerfile.Name))
		t.Fatalf("building the Dockerfile of %s: %v\n%s", source.Name, err, text)
	}
	return manifest
}
