package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A family of one image that adds a file to the lab's base.
const (
	onBaseSpec = `version: 1
name: on-base
registry: docker.io/bench
tag: "2.4"
images:
  on-base:
    from: "docker.io/library/fedora:20"
    steps:
      - files: { from: content, to: /srv/content }
`
	onBaseDockerfile = "ARG BASE\nFROM ${BASE}\nCOPY --link content /srv/content\nCMD []\n"
	onBaseBakefile   = `variable "REGISTRY" {}
variable "BASE" {}
target "default" {
  args   = { BASE = BASE }
  tags   = ["${REGISTRY}/on-base:2.4"]
  output = ["type=image,push=true,oci-mediatypes=true"]
}
`
)

// measureBase counts what both tools send, and pulpimg receives, of a base that the registry has in another repository.
func measureBase(ctx context.Context, b bench, found *findings) error {
	dir := filepath.Join(b.dir, "base")
	w := newWire()
	s, err := through(w, dir, b.lab)
	if err != nil {
		return errors.Join(err, w.Close())
	}
	layers, err := layersOf(ctx, b.lab.Registry+"/fedora:20")
	if err != nil {
		return errors.Join(err, w.Close())
	}
	f := family{base: "on-base", spec: filepath.Join(dir, "pulpimg.yaml"), bake: dir}
	files := writer{dir: dir}
	files.put("pulpimg.yaml", []byte(onBaseSpec), 0o644)
	files.put("Dockerfile", []byte(onBaseDockerfile), 0o644)
	files.put("docker-bake.hcl", []byte(onBaseBakefile), 0o644)
	files.put("content/file", []byte("small\n"), 0o644)
	if files.err != nil {
		return errors.Join(files.err, w.Close())
	}
	fmt.Fprintln(os.Stderr, "bench: an image on a base that the registry has")
	err = b.withBake(ctx, func(program, address string) error {
		ours := pulpimg(dir, s, b.newPlace()+"/pulpimg")
		theirs, err := bake(ctx, dir, program, address, s, b.newPlace()+"/bake")
		if err != nil {
			return err
		}
		var seen [2]traffic
		for i, t := range []tool{ours, theirs} {
			w.take()
			if _, err := t.build(ctx, f); err != nil {
				return err
			}
			seen[i] = w.take()
		}
		sent := amount{what: "bytes of the base sent, new repository", pulpimg: float64(seen[0].sentOf(layers))}
		found.amounts = append(found.amounts, sent.against(float64(seen[1].sentOf(layers))))
		fmt.Fprintf(os.Stderr, "bench:   bytes of the base received: pulpimg %d, bake %d\n", seen[0].receivedOf(layers), seen[1].receivedOf(layers))
		fmt.Fprintf(os.Stderr, "bench:   bytes sent: pulpimg %d, bake %d\n", seen[0].sent(), seen[1].sent())
		_, err = sameImages(ctx, f, ours, theirs)
		return err
	})
	return errors.Join(err, w.Close())
}

// layersOf returns the digests of the layers of an image.
func layersOf(ctx context.Context, reference string) (map[string]bool, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return nil, err
	}
	image, err := remote.Image(ref, remote.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	manifest, err := image.Manifest()
	if err != nil {
		return nil, err
	}
	digests := map[string]bool{}
	for _, l := range manifest.Layers {
		digests[l.Digest.String()] = true
	}
	return digests, nil
}
