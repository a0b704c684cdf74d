package publish

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// blob is a layer or a config.
type blob struct {
	digest v1.Hash
	size   int64
	layer  bool
	open   func() (io.ReadCloser, error)
}

// manifest is the manifest of an image or of an index, as the bytes that its digest is of.
type manifest struct {
	digest    v1.Hash
	mediaType types.MediaType
	raw       []byte
}

// artifact is all that a repository must hold for one item.
type artifact struct {
	manifests []manifest // manifests come before those that refer to them; the item's own is the last
	blobs     []blob     // each once
}

// top is the manifest that the item's tag points to.
func (a artifact) top() manifest { return a.manifests[len(a.manifests)-1] }

// readArtifact lists what content consists of. It opens no layer.
func readArtifact(content Content) (artifact, error) {
	r := artifactReader{seen: make(map[v1.Hash]bool)}
	if err := r.read(content); err != nil {
		return artifact{}, err
	}
	return r.artifact, nil
}

type artifactReader struct {
	artifact artifact
	seen     map[v1.Hash]bool
}

func (r *artifactReader) read(content Content) error {
	m, err := readManifest(content)
	if err != nil {
		return err
	}
	if r.seen[m.digest] {
		return nil
	}
	r.seen[m.digest] = true
	switch c := content.(type) {
	case v1.ImageIndex:
		err = r.readIndex(c)
	case v1.Image:
		err = r.readImage(c)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", m.digest, err)
	}
	r.artifact.manifests = append(r.artifact.manifests, m)
	return nil
}

func readManifest(content Content) (manifest, error) {
	raw, err := content.RawManifest()
	if err != nil {
		return manifest{}, err
	}
	mediaType, err := content.MediaType()
	if err != nil {
		return manifest{}, err
	}
	digest, err := content.Digest()
	if err != nil {
		return manifest{}, err
	}
	return manifest{digest: digest, mediaType: mediaType, raw: raw}, nil
}

func (r *artifactReader) readIndex(index v1.ImageIndex) error {
	m, err := index.IndexManifest()
	if err != nil {
		return err
	}
	for _, d := range m.Manifests {
		var child Content
		switch {
		case d.MediaType.IsIndex():
			child, err = index.ImageIndex(d.Digest)
		case d.MediaType.IsImage():
			child, err = index.Image(d.Digest)
		default:
			return fmt.Errorf("%s is listed as %q, which is neither an image nor an index", d.Digest, d.MediaType)
		}
		if err != nil {
			return err
		}
		if err := r.read(child); err != nil {
			return err
		}
	}
	return nil
}

func (r *artifactReader) readImage(image v1.Image) error {
	m, err := image.Manifest()
	if err != nil {
		return err
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return err
	}
	r.add(blob{
		digest: m.Config.Digest,
		size:   int64(len(config)),
		open:   func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(config)), nil },
	})
	for _, d := range m.Layers {
		// A registry may refuse layers that are not to be distributed, and an image is complete without them:
		// https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md#non-distributable-layers
		if !d.MediaType.IsDistributable() {
			continue
		}
		r.add(blob{digest: d.Digest, size: d.Size, layer: true, open: func() (io.ReadCloser, error) {
			return openLayer(image, d)
		}})
	}
	return nil
}

func (r *artifactReader) add(b blob) {
	if r.seen[b.digest] {
		return
	}
	r.seen[b.digest] = true
	r.artifact.blobs = append(r.artifact.blobs, b)
}

// openLayer opens a layer on this machine. The error is [errNotHere] for one that is not there as a whole.
func openLayer(image v1.Image, d v1.Descriptor) (io.ReadCloser, error) {
	layer, err := image.LayerByDigest(d.Digest)
	if err != nil {
		return nil, err
	}
	content, err := layer.Compressed()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errNotHere
	}
	if err != nil {
		return nil, err
	}
	if file, ok := content.(fs.File); ok {
		if info, err := file.Stat(); err == nil && info.Size() != d.Size {
			return nil, errors.Join(errNotHere, content.Close())
		}
	}
	return content, nil
}

// isHere reports whether the blob is on this machine. An error that says something else shows when it is sent.
func (b blob) isHere() bool {
	content, err := b.open()
	if err == nil {
		err = content.Close()
	}
	return !errors.Is(err, errNotHere)
}
