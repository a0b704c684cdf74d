package build

import (
	"time"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A Result describes what a build made. Its JSON form is stable: keys are added, never changed.
type Result struct {
	// Family is the family's name.
	Family string `json:"family"`
	// Images are in build order.
	Images []Image `json:"images"`
	// Steps are in the order in which the engine reached them.
	Steps []Step `json:"-"`
	// Same is the earlier build that had made the same images under the same references, if there was one.
	Same *layout.Build `json:"-"`
	// Plan says what was to be done, and why. It is nil if that could not be told without an engine.
	Plan *Plan `json:"-"`
	// Unrecorded is why later builds do not know what this one made, and make it again. It is nil if they do.
	Unrecorded error `json:"-"`
	// Duration is how long the build took.
	Duration time.Duration `json:"-"`
	// Build is the record of the build in the layout.
	Build layout.Build `json:"-"`
}

// An Image is an image that was built.
type Image struct {
	Name string `json:"image"`
	// Reference is the first of References.
	Reference string `json:"reference"`
	// References are what the image is to be published under.
	References []string `json:"references"`
	// Digest is the digest of the manifest, or of the index when there are several platforms.
	Digest digest.Digest `json:"digest"`
	// Parent is the image of the family that this one is based on, or empty.
	Parent    string     `json:"parent,omitempty"`
	Platforms []Platform `json:"platforms"`
}

// A Platform is an image for one platform.
type Platform struct {
	Platform string        `json:"platform"`
	Digest   digest.Digest `json:"digest"`
	Layers   []Layer       `json:"layers"`
	// Shared is how many of the layers, from the first, are those of the parent.
	Shared int `json:"shared"`
}

// A Layer is a layer of an image.
type Layer struct {
	Digest digest.Digest `json:"digest"`
	// Size is the compressed size in bytes.
	Size int64 `json:"size"`
}

// Size returns the compressed size of the platform's layers in bytes.
func (p Platform) Size() int64 {
	var size int64
	for _, l := range p.Layers {
		size += l.Size
	}
	return size
}

// describe reads the images of a build from the layout.
func describe(in *layout.Layout, f *family.Family, built layout.Build) (*Result, error) {
	result := &Result{Family: f.Name, Build: built}
	byName := map[string]Image{}
	for i, source := range f.Published() {
		image := Image{Name: source.Name, Reference: source.Reference, References: source.References, Digest: built.Images[i].Descriptor.Digest}
		if source.Parent != nil && !source.Parent.Unpublished {
			image.Parent = source.Parent.Name
		}
		for at, desc := range built.Images[i].Manifests {
			manifest, err := in.Manifest(desc)
			if err != nil {
				return nil, err
			}
			p := Platform{Platform: platforms.Format(*desc.Platform), Digest: desc.Digest}
			for _, l := range manifest.Layers {
				p.Layers = append(p.Layers, Layer{Digest: l.Digest, Size: l.Size})
			}
			if image.Parent != "" {
				p.Shared = common(p.Layers, byName[image.Parent].Platforms[at].Layers)
			}
			image.Platforms = append(image.Platforms, p)
		}
		byName[image.Name] = image
		result.Images = append(result.Images, image)
	}
	return result, nil
}

// common returns how many layers two images have in common, from the first.
func common(a, b []Layer) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
