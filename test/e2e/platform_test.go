package e2e

import (
	"bytes"
	"debug/elf"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// Several platforms give an index, with the files of each platform.
func TestPlatforms(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, filesSpec, filesOfSpec)
	place := registry(t)
	built := warm().build(t, "-f", spec, "--set", "base="+env.lab.Registry+"/files:1", "--registry", place, "--push",
		"--platform", "linux/amd64,linux/arm64", "--format", "json").result(t)
	for _, img := range built.Images {
		index := index(t, img.Reference)
		if digest, err := index.Digest(); err != nil || digest.String() != img.Digest {
			t.Errorf("the registry has %s (%v), and %s was built: %s", digest, err, img.Digest, img.Reference)
		}
		if err := validate.Index(index); err != nil {
			t.Errorf("%s is not valid: %v", img.Reference, err)
		}
		manifest, err := index.IndexManifest()
		if err != nil {
			t.Fatal(err)
		}
		if len(manifest.Manifests) != 2 || len(img.Platforms) != 2 {
			t.Fatalf("%s: %d manifests and %d platforms, want two: %+v", img.Reference, len(manifest.Manifests), len(img.Platforms), manifest)
		}
		for i, want := range []string{"amd64", "arm64"} {
			desc := manifest.Manifests[i]
			of, err := index.Image(desc.Digest)
			if err != nil {
				t.Fatal(err)
			}
			if got := config(t, of).Architecture; desc.Platform == nil || desc.Platform.Architecture != want || got != want {
				t.Errorf("%s: manifest %d is for %v and its config for %s, want %s", img.Reference, i, desc.Platform, got, want)
			}
		}
	}
	helped := index(t, place+"/helped:1")
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		of := forArch(t, helped, arch)
		list := layers(t, of)
		program, err := elf.NewFile(bytes.NewReader(file(t, list[len(list)-1], "/usr/bin/pulp-helper")))
		if err != nil {
			t.Fatal(err)
		}
		if program.Machine != machine {
			t.Errorf("the helper of the image for %s is for %s", arch, program.Machine)
		}
	}
}

func index(t *testing.T, reference string) v1.ImageIndex {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(ref)
	if err != nil {
		t.Fatalf("reading the index %s: %v", reference, err)
	}
	return index
}

func forArch(t *testing.T, index v1.ImageIndex, arch string) v1.Image {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, desc := range manifest.Manifests {
		if desc.Platform != nil && desc.Platform.Architecture == arch {
			img, err := index.Image(desc.Digest)
			if err != nil {
				t.Fatal(err)
			}
			return img
		}
	}
	t.Fatalf("the index has no image for %s", arch)
	return nil
}

// A platform that the engine cannot run is refused before anything is built.
func TestPlatforms_unsupported(t *testing.T) {
	env.lanes.warm.enter(t)
	out := warm().build(t, "-f", specFile(t, stampSpec, nil), "--platform", "linux/amd64,linux/s390x", "--progress", "rawjson")
	out.fails(t, 1, `stamp runs commands for linux/s390x, which this engine cannot: it runs .*linux/amd64`, `--engine|binfmt_misc`)
	if bytes.Contains([]byte(out.stderr), []byte("vertexes")) {
		t.Errorf("something was built:\n%s", out.stderr)
	}
}
