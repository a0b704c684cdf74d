package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"

	"github.com/pulpimg/pulpimg/pkg/export"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A localImage is an image as the last build or push from this machine left it.
type localImage struct {
	from  *layout.Layout
	image *family.Image
	tag   string
}

// reference returns what to start: the digest, when the last build was published; the tag, when it was only built; and when it was
// neither built nor published from here, what the registry has under the tag.
func (l localImage) reference() (string, error) {
	tag, err := name.NewTag(l.image.Reference)
	if err != nil {
		return "", err
	}
	recorded, err := l.from.Published()
	if err != nil {
		return "", err
	}
	built, err := l.built()
	if err != nil {
		return "", err
	}
	published, ok := recorded[tag.Name()]
	if ok && (built == nil || built.Descriptor.Digest == published) {
		return strings.TrimSuffix(l.image.Reference, ":"+l.tag) + "@" + published.String(), nil
	}
	return l.image.Reference, nil
}

// built returns the image of the last build, or nil.
func (l localImage) built() (*layout.Image, error) {
	images, err := l.from.Images()
	if errors.Is(err, layout.ErrEmpty) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(images, func(i layout.Image) bool { return i.Name == l.image.Name && i.Reference == l.image.Reference })
	if at < 0 {
		return nil, nil
	}
	return &images[at], nil
}

// load loads the images of the last build into a tool, when the one to start is among them and the tool has another one by its name,
// or none. One that is named by its digest comes from the registry.
func (l localImage) load(ctx context.Context, io console, tool, reference string) error {
	built, err := l.built()
	if err != nil || built == nil || reference != built.Reference {
		return err
	}
	// The tools call an image by the digest of its configuration.
	manifest, err := l.from.Manifest(built.Manifests[0])
	if err != nil {
		return err
	}
	id, err := exec.CommandContext(ctx, tool, "image", "inspect", "--format", "{{.Id}}", reference).Output()
	if err == nil && strings.TrimPrefix(strings.TrimSpace(string(id)), "sha256:") == manifest.Config.Digest.Encoded() {
		return nil
	}
	if err := export.LoadInto(ctx, tool, l.from); err != nil {
		return err
	}
	fmt.Fprintf(io.err, "loaded into %s\n", tool)
	return nil
}
