package outside

import (
	"fmt"
	"strings"

	"github.com/containerd/containerd/v2/core/images"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// exported returns layers as an exporter of BuildKit with OCI media types, and without forced compression, writes them: the blobs as they
// are, with the media type of the OCI for their compression, and of their annotations those that tell how a blob can be read in parts.
// https://github.com/moby/buildkit/blob/v0.34.2/cache/remote.go (getRemote), cache/refs.go (ociDesc), util/compression/compression.go (toOCILayerType)
func exported(layers []ocispec.Descriptor, diffIDs int) ([]ocispec.Descriptor, error) {
	if len(layers) != diffIDs {
		return nil, fmt.Errorf("its manifest has %d layers, and its config %d", len(layers), diffIDs)
	}
	out := make([]ocispec.Descriptor, len(layers))
	for i, l := range layers {
		mediaType, ok := ociLayer(l.MediaType)
		switch {
		case len(l.URLs) > 0:
			return nil, &UnsupportedError{fmt.Sprintf("its layer %s is not in its registry, but elsewhere", l.Digest)}
		case !ok:
			return nil, &UnsupportedError{fmt.Sprintf("its layer %s is of the media type %q", l.Digest, l.MediaType)}
		}
		out[i] = ocispec.Descriptor{MediaType: mediaType, Digest: l.Digest, Size: l.Size}
		for _, name := range keptAnnotations() {
			if value, ok := l.Annotations[name]; ok {
				if out[i].Annotations == nil {
					out[i].Annotations = map[string]string{}
				}
				out[i].Annotations[name] = value
			}
		}
	}
	return out, nil
}

// ociLayer returns the OCI's media type for a layer. One that need not be distributed is as any other if it is in the registry.
func ociLayer(mediaType string) (string, bool) {
	switch strings.Replace(mediaType, ".nondistributable.", ".", 1) {
	case ocispec.MediaTypeImageLayer, images.MediaTypeDockerSchema2Layer, images.MediaTypeDockerSchema2LayerForeign:
		return ocispec.MediaTypeImageLayer, true
	case ocispec.MediaTypeImageLayerGzip, images.MediaTypeDockerSchema2LayerGzip, images.MediaTypeDockerSchema2LayerForeignGzip:
		return ocispec.MediaTypeImageLayerGzip, true
	case ocispec.MediaTypeImageLayerZstd, images.MediaTypeDockerSchema2LayerZstd:
		return ocispec.MediaTypeImageLayerZstd, true
	}
	return "", false
}

// keptAnnotations are those of a layer that an engine keeps.
// https://github.com/moby/buildkit/blob/v0.34.2/cache/refs.go (additionalAnnotations)
func keptAnnotations() []string {
	return []string{
		"containerd.io/snapshot/stargz/toc.digest", "io.containers.estargz.uncompressed-size",
		"containerd.io/snapshot/overlaybd/blob-digest", "containerd.io/snapshot/overlaybd/blob-size", "containerd.io/snapshot/overlaybd/blob-fs-type",
	}
}
