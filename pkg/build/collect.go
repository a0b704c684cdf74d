package build

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/compile"
	"github.com/pulpimg/pulpimg/pkg/layer"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A collector puts images together in a layout: the heads that the engine exported into it, and the layers on top of them.
type collector struct {
	into   *layout.Layout
	layers *layer.Store
}

// collect returns the images of a plan whose heads were exported.
func (c collector) collect(response *client.SolveResponse, p plan) ([]layout.Image, error) {
	heads, err := c.heads(response, len(p.heads))
	if err != nil {
		return nil, fmt.Errorf("reading what the engine exported: %w", err)
	}
	var images []layout.Image
	for i := 0; i < len(p.images); {
		source := p.images[i].source
		var manifests []ocispec.Descriptor
		for ; i < len(p.images) && p.images[i].source == source; i++ {
			desc, err := c.image(p.images[i].image, heads[p.images[i].head])
			if err != nil {
				return nil, fmt.Errorf("putting %s together: %w", source.Name, err)
			}
			desc.Platform = &p.images[i].platform
			manifests = append(manifests, desc)
		}
		image, err := c.into.Combine(source.Name, source.Reference, manifests)
		if err != nil {
			return nil, err
		}
		images = append(images, image)
	}
	return images, nil
}

// heads returns the manifests that a build exported, in the order in which they were asked for.
func (c collector) heads(response *client.SolveResponse, want int) ([]ocispec.Descriptor, error) {
	data, err := base64.StdEncoding.DecodeString(response.ExporterResponse[exptypes.ExporterImageDescriptorKey])
	if err != nil {
		return nil, err
	}
	var root ocispec.Descriptor
	if err := json.Unmarshal(data, &root); err != nil {
		return nil, err
	}
	index, err := c.into.Index(root)
	if err != nil {
		return nil, err
	}
	if len(index.Manifests) != want {
		return nil, fmt.Errorf("%d images were asked for and %d came", want, len(index.Manifests))
	}
	return index.Manifests, nil
}

// image writes the manifest of an image: its head with its tail on top.
func (c collector) image(image compile.Image, headDesc ocispec.Descriptor) (ocispec.Descriptor, error) {
	head, err := c.into.Manifest(headDesc)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	var headConfig dockerspec.DockerOCIImage
	if err := c.into.Blobs().ReadJSON(head.Config, &headConfig); err != nil {
		return ocispec.Descriptor{}, err
	}
	data, err := image.Config(headConfig)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	config, err := c.into.Blobs().Write(ocispec.MediaTypeImageConfig, data)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	manifest := ocispec.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2},
		MediaType: ocispec.MediaTypeImageManifest,
		Config:    config,
		Layers:    head.Layers,
	}
	for _, l := range image.Tail() {
		if err := c.into.Blobs().Copy(c.layers.Blobs(), l.Blob); err != nil {
			return ocispec.Descriptor{}, err
		}
		manifest.Layers = append(manifest.Layers, l.Blob)
	}
	return c.into.Blobs().WriteJSON(ocispec.MediaTypeImageManifest, manifest)
}

// name names an image for one platform.
func (p placed) name() string { return p.source.Name + "@" + platforms.Format(p.platform) }
