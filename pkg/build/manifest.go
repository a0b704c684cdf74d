package build

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"

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

// A manifestWriter writes the manifests of images into a layout: the layers of their targets, which the engine exported into it, and the
// appended layers on top of them.
type manifestWriter struct {
	into   *layout.Layout
	layers *layer.Store
	inputs map[string]string // by the names of the images
	places placer
	lookup *lookup
	linked map[digest.Digest]bool // the layers that are in the layout: many images have the same ones
}

// An export is what the engine made: the targets of a plan, each as an image.
type export struct {
	targets []exportedTarget // in the order of the plan
	root    ocispec.Descriptor
}

type exportedTarget struct {
	config dockerspec.DockerOCIImage
	layers []ocispec.Descriptor
}

// write writes the images of a plan whose targets were exported.
func (w manifestWriter) write(ctx context.Context, response *client.SolveResponse, p plan) (layout.Build, madeImages, error) {
	built, made := layout.Build{}, madeImages{}
	w.linked, w.places.known = map[digest.Digest]bool{}, map[placed][]string{}
	var from export
	if len(p.targets) > 0 {
		var err error
		if from, err = w.readExport(response, len(p.targets)); err != nil {
			return layout.Build{}, nil, fmt.Errorf("reading what the engine exported: %w", err)
		}
		built.Export = &from.root
	}
	digests := map[string]digest.Digest{} // of the images so far, by name
	for i := 0; i < len(p.images); {
		source := p.images[i].source
		var (
			manifests []ocispec.Descriptor
			bases     []map[string]string
			sources   []layout.Source
		)
		for ; i < len(p.images) && p.images[i].source.Name == source.Name; i++ {
			base := p.images[i].baseAnnotations(digests)
			bases = append(bases, base)
			target := p.images[i].onBase()
			if at := p.images[i].target; at >= 0 {
				target = from.targets[at]
			}
			desc, layers, told, err := w.image(ctx, p.images[i].image, target, base)
			if err != nil {
				return layout.Build{}, nil, fmt.Errorf("writing the manifest of %s: %w", source.Name, err)
			}
			made[p.images[i].name()] = layers
			desc.Platform = &p.images[i].platform
			manifests = append(manifests, desc)
			sources = withSource(sources, w.places.source(ctx, p.images[i], target.layers))
			for _, s := range told {
				sources = withSource(sources, s)
			}
		}
		image, err := w.into.Combine(source.Name, source.References, manifests, commonAnnotations(bases))
		if err != nil {
			return layout.Build{}, nil, err
		}
		digests[source.Name] = image.Descriptor.Digest
		image.Sources = sources
		image.Inputs = digest.NewDigestFromEncoded(digest.SHA256, w.inputs[source.Name])
		built.Images = append(built.Images, image)
	}
	return built, made, nil
}

// onBase returns the target of an image that is nothing but its base.
func (p platformImage) onBase() exportedTarget {
	target := exportedTarget{config: p.image.BaseConfig()}
	if p.base != nil {
		target.layers = p.base.Layers
	}
	return target
}

// readExport reads what a build exported.
func (w manifestWriter) readExport(response *client.SolveResponse, want int) (export, error) {
	data, err := base64.StdEncoding.DecodeString(response.ExporterResponse[exptypes.ExporterImageDescriptorKey])
	if err != nil {
		return export{}, err
	}
	var root ocispec.Descriptor
	if err := json.Unmarshal(data, &root); err != nil {
		return export{}, err
	}
	index, err := w.into.Index(root)
	if err != nil {
		return export{}, err
	}
	if len(index.Manifests) != want {
		return export{}, fmt.Errorf("it has %d images, not the %d that were asked for", len(index.Manifests), want)
	}
	all := export{root: root}
	for _, desc := range index.Manifests {
		manifest, err := w.into.Manifest(desc)
		if err != nil {
			return export{}, err
		}
		target := exportedTarget{layers: manifest.Layers}
		if err := w.into.Blobs().ReadJSON(manifest.Config, &target.config); err != nil {
			return export{}, err
		}
		all.targets = append(all.targets, target)
	}
	return all, nil
}

// image writes the manifest of an image, and puts its layers into the layout, but those of its target. Of layers that only a registry has, it
// returns where they are.
func (w manifestWriter) image(
	ctx context.Context, image llb.Image, target exportedTarget, annotations map[string]string,
) (desc ocispec.Descriptor, layers []madeLayer, told []layout.Source, err error) {
	c, err := compose(image, target, annotations)
	if err != nil {
		return desc, nil, nil, err
	}
	if _, err := w.into.Blobs().Write(ocispec.MediaTypeImageConfig, c.config); err != nil {
		return desc, nil, nil, err
	}
	for _, l := range image.AppendedLayers() {
		at, ok := w.lookup.place(l.Blob)
		if ok {
			told = append(told, layout.Source{References: []string{at}, Layers: map[digest.Digest]int64{l.Blob.Digest: l.Blob.Size}})
		}
		if w.linked[l.Blob.Digest] || ok && !w.layers.Blobs().Has(l.Blob) {
			continue
		}
		if err := w.into.Blobs().Link(ctx, w.layers.Blobs(), l.Blob); err != nil {
			return desc, nil, nil, err
		}
		w.linked[l.Blob.Digest] = true
	}
	desc, err = w.into.Blobs().Write(ocispec.MediaTypeImageManifest, c.manifest)
	return desc, c.layers, told, err
}

// A composition is an image as it is stored.
type composition struct {
	config, manifest []byte
	layers           []madeLayer
}

// compose puts an image together: the layers of its target, and the appended layers.
func compose(image llb.Image, target exportedTarget, annotations map[string]string) (composition, error) {
	made, err := image.Config(target.config)
	if err != nil {
		return composition{}, err
	}
	var c composition
	if c.config, err = json.Marshal(made); err != nil {
		return composition{}, err
	}
	manifest := ocispec.Manifest{
		Versioned:   specs.Versioned{SchemaVersion: 2},
		MediaType:   ocispec.MediaTypeImageManifest,
		Config:      ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromBytes(c.config), Size: int64(len(c.config))},
		Layers:      slices.Clone(target.layers),
		Annotations: annotations,
	}
	for _, l := range image.AppendedLayers() {
		manifest.Layers = append(manifest.Layers, l.Blob)
	}
	c.layers = make([]madeLayer, min(len(manifest.Layers), len(made.RootFS.DiffIDs)))
	for i := range c.layers {
		c.layers[i] = madeLayer{made.RootFS.DiffIDs[i], manifest.Layers[i]}
	}
	c.manifest, err = json.Marshal(manifest)
	return c, err
}
