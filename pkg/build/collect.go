package build

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A collector puts images together in a layout: the heads that the engine exported into it, and the layers on top of them.
type collector struct {
	into   *layout.Layout
	layers *layer.Store
	inputs map[string]string // by the names of the images
}

// An exported is what the engine made: the heads of a plan, as images of their own.
type exported struct {
	heads []exportedHead // in the order in which they were asked for
	root  ocispec.Descriptor
}

type exportedHead struct {
	config dockerspec.DockerOCIImage
	layers []ocispec.Descriptor
}

// collect returns the images of a plan whose heads were exported.
func (c collector) collect(ctx context.Context, response *client.SolveResponse, p plan) (layout.Build, error) {
	from, err := c.exported(response, len(p.heads))
	if err != nil {
		return layout.Build{}, fmt.Errorf("reading what the engine exported: %w", err)
	}
	built := layout.Build{Export: &from.root}
	for i := 0; i < len(p.images); {
		source := p.images[i].source
		var manifests []ocispec.Descriptor
		for ; i < len(p.images) && p.images[i].source == source; i++ {
			desc, err := c.image(ctx, p.images[i].image, from.heads[p.images[i].head])
			if err != nil {
				return layout.Build{}, fmt.Errorf("putting %s together: %w", source.Name, err)
			}
			desc.Platform = &p.images[i].platform
			manifests = append(manifests, desc)
		}
		image, err := c.into.Combine(source.Name, source.Reference, manifests)
		if err != nil {
			return layout.Build{}, err
		}
		image.Inputs = digest.NewDigestFromEncoded(digest.SHA256, c.inputs[source.Name])
		built.Images = append(built.Images, image)
	}
	return built, nil
}

// exported reads what a build exported.
func (c collector) exported(response *client.SolveResponse, want int) (exported, error) {
	data, err := base64.StdEncoding.DecodeString(response.ExporterResponse[exptypes.ExporterImageDescriptorKey])
	if err != nil {
		return exported{}, err
	}
	var root ocispec.Descriptor
	if err := json.Unmarshal(data, &root); err != nil {
		return exported{}, err
	}
	index, err := c.into.Index(root)
	if err != nil {
		return exported{}, err
	}
	if len(index.Manifests) != want {
		return exported{}, fmt.Errorf("%d images were asked for and %d came", want, len(index.Manifests))
	}
	all := exported{root: root}
	for _, desc := range index.Manifests {
		manifest, err := c.into.Manifest(desc)
		if err != nil {
			return exported{}, err
		}
		head := exportedHead{layers: manifest.Layers}
		if err := c.into.Blobs().ReadJSON(manifest.Config, &head.config); err != nil {
			return exported{}, err
		}
		all.heads = append(all.heads, head)
	}
	return all, nil
}

// image writes the manifest of an image: its head with its tail on top.
func (c collector) image(ctx context.Context, image llb.Image, head exportedHead) (ocispec.Descriptor, error) {
	data, err := image.Config(head.config)
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
		Layers:    slices.Clone(head.layers),
	}
	for _, l := range image.Tail() {
		if err := c.into.Blobs().Link(ctx, c.layers.Blobs(), l.Blob); err != nil {
			return ocispec.Descriptor{}, err
		}
		manifest.Layers = append(manifest.Layers, l.Blob)
	}
	return c.into.Blobs().WriteJSON(ocispec.MediaTypeImageManifest, manifest)
}

// name names an image for one platform.
func (p placed) name() string { return p.source.Name + "@" + platforms.Format(p.platform) }
