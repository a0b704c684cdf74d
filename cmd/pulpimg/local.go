package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pulpimg/pulpimg/internal/export"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A localImage is an image as a build or a push from this machine left it.
type localImage struct {
	from  *layout.Layout
	image *family.Image
	built *layout.Image // nil when it was not built here
}

// reference returns what to start with a tool: the tag, when the tool has what was built under it, or when it was only built; the digest,
// when it was published from here; and when it was neither built nor published from here, what the registry has under the tag.
func (l localImage) reference(ctx context.Context, tool string) (string, error) {
	reference := l.image.Reference
	if l.built != nil {
		if !slices.Contains(l.built.References, reference) {
			reference = l.built.Reference()
		}
		if loaded, err := l.loaded(ctx, tool, reference); err != nil || loaded {
			return reference, err
		}
	}
	recorded, err := l.from.Published()
	if err != nil {
		return "", err
	}
	tag, err := name.NewTag(reference)
	if err != nil {
		return "", err
	}
	if d, ok := recorded[tag.Name()]; ok && (l.built == nil || l.built.Descriptor.Digest == d) {
		return byDigest(reference, d), nil
	}
	return reference, nil
}

// loaded reports whether a tool has what was built, under a reference.
func (l localImage) loaded(ctx context.Context, tool, reference string) (bool, error) {
	ids, err := l.ids()
	if err != nil {
		return false, err
	}
	id, err := exec.CommandContext(ctx, tool, "image", "inspect", "--format", "{{.Id}}", reference).Output()
	return err == nil && slices.Contains(ids, strings.TrimPrefix(strings.TrimSpace(string(id)), "sha256:")), nil
}

// ids returns the IDs, in hex, that tools may have for the image. Podman and docker use the digest of its config. Docker with containerd's
// image store uses the digest of its index or manifest if the image was pulled. If it was loaded, containerd made a manifest, and docker uses
// the digest of that one.
func (l localImage) ids() ([]string, error) {
	ids := []string{l.built.Descriptor.Digest.Encoded()}
	for _, desc := range l.built.Manifests {
		manifest, err := l.from.Manifest(desc)
		if err != nil {
			return nil, err
		}
		imported, err := export.Imported(manifest)
		if err != nil {
			return nil, err
		}
		ids = append(ids, desc.Digest.Encoded(), manifest.Config.Digest.Encoded(), imported.Encoded())
	}
	return ids, nil
}

// load loads what was built into a tool, if that is what is to be started and the tool has another image by its name, or none. An image that
// is named by its digest comes from the registry.
func (l localImage) load(ctx context.Context, con console, tool, reference string, flags *registryFlags) error {
	if l.built == nil || !slices.Contains(l.built.References, reference) {
		return nil
	}
	if loaded, err := l.loaded(ctx, tool, reference); err != nil || loaded {
		return err
	}
	images := []layout.Image{*l.built}
	if err := fill(ctx, con, l.from, images, flags); err != nil {
		return err
	}
	if err := export.LoadInto(ctx, tool, l.from, images); err != nil {
		return err
	}
	fmt.Fprintf(con.err, "loaded into %s\n", tool)
	return nil
}
