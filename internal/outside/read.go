package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/errdefs"
	"github.com/containerd/platforms"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// maxDocument bounds a manifest or config: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pushing-manifests
const maxDocument = 4 << 20

// A documents reads the manifests and configs of one image, from what is known or else at its place. It implements containerd's
// content.Provider, so that containerd chooses the manifest, as it does for an engine.
type documents struct {
	Finder
	place string

	manifest ocispec.Descriptor // the last one that was read, and no index
}

// read reads an image.
func (f Finder) read(ctx context.Context, place string, root digest.Digest, want ocispec.Platform) (Image, error) {
	image := Image{Reference: place, Digest: root}
	docs := &documents{Finder: f, place: place}
	data, err := docs.document(ctx, root, func() ([]byte, error) { return f.Reader.Manifest(ctx, place) })
	if err != nil {
		return image, err
	}
	mediaType, err := mediaTypeOf(data)
	if err != nil {
		return image, err
	}
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: root, Size: int64(len(data))}
	// The same as BuildKit: https://github.com/moby/buildkit/blob/v0.34.2/util/imageutil/config.go and util/pull/pull.go
	manifest, err := images.Manifest(ctx, docs, desc, platforms.Only(want))
	if errdefs.IsNotFound(err) && images.IsIndexType(mediaType) {
		return image, docs.notFor(want, data)
	}
	if err != nil {
		return image, err
	}
	image.Manifest = docs.manifest
	if image.Config, err = docs.config(ctx, manifest.Config); err != nil {
		return image, err
	}
	if got := platforms.Normalize(image.Config.Platform); !platforms.OnlyStrict(want).Match(got) {
		return image, &PlatformError{Want: want, Has: []ocispec.Platform{got}}
	}
	image.Layers, err = exported(manifest.Layers, len(image.Config.RootFS.DiffIDs))
	return image, err
}

// notFor returns the error for an index without a manifest for a platform.
func (d *documents) notFor(want ocispec.Platform, data []byte) error {
	var index ocispec.Index
	if err := json.Unmarshal(data, &index); err != nil {
		return err
	}
	err := &PlatformError{Want: want}
	for _, m := range index.Manifests {
		// What is of an unknown platform is about another manifest.
		if m.Platform != nil && m.Platform.OS != "unknown" && m.Platform.Architecture != "unknown" {
			err.Has = append(err.Has, platforms.Normalize(*m.Platform))
		}
	}
	return err
}

// mediaTypeOf returns the media type of a manifest or an index by what is in it: those without a field for it are the OCI's.
func mediaTypeOf(data []byte) (string, error) {
	var doc struct {
		MediaType string          `json:"mediaType"`
		Config    json.RawMessage `json:"config"`
		Layers    json.RawMessage `json:"layers"`
		Manifests json.RawMessage `json:"manifests"`
		FSLayers  json.RawMessage `json:"fsLayers"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return "", fmt.Errorf("reading its manifest: %w", err)
	}
	manifest, index := doc.Config != nil || doc.Layers != nil, doc.Manifests != nil
	switch {
	case doc.FSLayers != nil:
		return "", errors.New("its manifest is of version 2, schema 1, which nobody supports any more")
	case manifest == index:
		return "", errors.New("what it has is neither a manifest nor an index")
	case doc.MediaType == "" && manifest:
		return ocispec.MediaTypeImageManifest, nil
	case doc.MediaType == "":
		return ocispec.MediaTypeImageIndex, nil
	case manifest && !images.IsManifestType(doc.MediaType), index && !images.IsIndexType(doc.MediaType):
		return "", fmt.Errorf("its manifest says that it is a %q, which it is not", doc.MediaType)
	}
	return doc.MediaType, nil
}

// legacyConfig is the media type of configs that some old versions of Docker pushed.
// https://github.com/containerd/containerd/blob/v2.4.2/core/remotes/docker/converter.go (LegacyConfigMediaType)
const legacyConfig = "application/octet-stream"

func (d *documents) config(ctx context.Context, desc ocispec.Descriptor) (out dockerspec.DockerOCIImage, err error) {
	if !images.IsConfigType(desc.MediaType) && desc.MediaType != legacyConfig {
		return out, fmt.Errorf("it is no image: its config is of type %q", desc.MediaType)
	}
	data, err := content.ReadBlob(ctx, d, desc)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(data, &out); err != nil {
		return out, fmt.Errorf("reading its config: %w", err)
	}
	return out, nil
}

// ReaderAt implements content.Provider for manifests and configs.
func (d *documents) ReaderAt(ctx context.Context, desc ocispec.Descriptor) (content.ReaderAt, error) {
	if desc.Size > maxDocument || desc.Size < 0 {
		return nil, fmt.Errorf("%s of it has %d bytes, and %d are the most that is read", desc.Digest, desc.Size, maxDocument)
	}
	fetch := func() ([]byte, error) { return d.blob(ctx, desc) }
	if images.IsManifestType(desc.MediaType) || images.IsIndexType(desc.MediaType) {
		fetch = func() ([]byte, error) { return d.Reader.Manifest(ctx, withDigest(d.place, desc.Digest)) }
	}
	data, err := d.document(ctx, desc.Digest, fetch)
	if err != nil {
		return nil, err
	}
	if int64(len(data)) != desc.Size {
		return nil, fmt.Errorf("%s of it has %d bytes, not %d", desc.Digest, len(data), desc.Size)
	}
	switch {
	case images.IsManifestType(desc.MediaType):
		d.manifest = desc
		d.manifest.Data = nil
	case images.IsIndexType(desc.MediaType):
		data, err = withoutData(data)
	}
	return document{bytes.NewReader(data)}, err
}

// withoutData returns an index without the manifests that are in it as a whole: containerd would not ask for these, and then it is not known
// which one it has chosen.
func withoutData(index []byte) ([]byte, error) {
	var parsed ocispec.Index
	if err := json.Unmarshal(index, &parsed); err != nil {
		return nil, fmt.Errorf("reading its index: %w", err)
	}
	if !slices.ContainsFunc(parsed.Manifests, func(m ocispec.Descriptor) bool { return m.Data != nil }) {
		return index, nil
	}
	for i := range parsed.Manifests {
		parsed.Manifests[i].Data = nil
	}
	return json.Marshal(parsed)
}

func (d *documents) blob(ctx context.Context, desc ocispec.Descriptor) ([]byte, error) {
	in, err := d.Reader.Blob(ctx, d.place, desc)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(in)
	return data, errors.Join(err, in.Close())
}

// document returns what is known under a digest, or else fetches it and keeps it.
func (d *documents) document(ctx context.Context, dgst digest.Digest, fetch func() ([]byte, error)) ([]byte, error) {
	if err := dgst.Validate(); err != nil {
		return nil, err
	}
	if dgst.Algorithm() != digest.SHA256 {
		return nil, &UnsupportedError{"its digest is of " + dgst.Algorithm().String()}
	}
	if data, ok := d.known(dgst); ok {
		return data, nil
	}
	data, err := fetch()
	if err != nil {
		return nil, err
	}
	if d.Known != nil {
		if _, err := d.Known.Write("", data); err != nil {
			return nil, fmt.Errorf("keeping %s: %w", dgst, err)
		}
	}
	return data, nil
}

// known returns what is kept under a digest. If that is damaged, it is removed, so that it comes again.
func (d *documents) known(dgst digest.Digest) ([]byte, bool) {
	if d.Known == nil {
		return nil, false
	}
	file := d.Known.Path(dgst)
	if info, err := os.Stat(file); err != nil || info.Size() > maxDocument {
		return nil, false
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	if digest.FromBytes(data) != dgst {
		_ = os.Remove(file)
		return nil, false
	}
	return data, true
}

// A document is a content.ReaderAt in memory.
type document struct{ *bytes.Reader }

// Close implements io.Closer.
func (document) Close() error { return nil }
