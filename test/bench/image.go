package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// An image is what a published image says and holds, other than times.
type image struct {
	MediaType types.MediaType
	Config    v1.Config
	Layers    []layer
}

// A layer is what a layer holds. The base image's has only its digest: it is the same for everyone.
type layer struct {
	Digest  string
	Entries map[string]string // for each path its type, mode, owner, link and digest
	content map[string][]byte
}

// pull reads images with tag 2.4 of a registry. Layers that images share are read once.
func pull(ctx context.Context, registry string, names []string) (map[string]image, error) {
	images := map[string]image{}
	seen := map[v1.Hash]layer{}
	for _, n := range names {
		ref := registry + "/" + n + ":2.4"
		img, err := pullOne(ctx, ref, seen)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", ref, err)
		}
		images[n] = img
	}
	return images, nil
}

func pullOne(ctx context.Context, reference string, seen map[v1.Hash]layer) (image, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return image{}, err
	}
	remoteImage, err := remote.Image(ref, remote.WithContext(ctx))
	if err != nil {
		return image{}, err
	}
	mediaType, err := remoteImage.MediaType()
	if err != nil {
		return image{}, err
	}
	config, err := remoteImage.ConfigFile()
	if err != nil {
		return image{}, err
	}
	layers, err := remoteImage.Layers()
	if err != nil {
		return image{}, err
	}
	img := image{MediaType: mediaType, Config: config.Config}
	for i, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return image{}, err
		}
		if _, ok := seen[digest]; !ok {
			if seen[digest], err = readLayer(l, digest, i > 0); err != nil {
				return image{}, fmt.Errorf("layer %d: %w", i+1, err)
			}
		}
		img.Layers = append(img.Layers, seen[digest])
	}
	return img, nil
}

// maxKept is the size of the largest file whose content is kept.
const maxKept = 64 << 20

func readLayer(l v1.Layer, digest v1.Hash, entries bool) (layer, error) {
	if !entries {
		return layer{Digest: digest.String()}, nil
	}
	blob, err := l.Uncompressed()
	if err != nil {
		return layer{}, err
	}
	defer blob.Close()
	read := layer{Entries: map[string]string{}, content: map[string][]byte{}}
	for archive := tar.NewReader(blob); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return read, nil
		}
		if err != nil {
			return layer{}, err
		}
		file := strings.Trim(h.Name, "/")
		var content bytes.Buffer
		hash := sha256.New()
		var to io.Writer = hash
		if h.Size <= maxKept {
			to = io.MultiWriter(hash, &content)
		}
		if _, err := io.Copy(to, archive); err != nil {
			return layer{}, err
		}
		if h.Size <= maxKept {
			read.content[file] = content.Bytes()
		}
		read.Entries[file] = fmt.Sprintf("%c %04o %d:%d %s", h.Typeflag, h.Mode&0o7777, h.Uid, h.Gid, h.Linkname)
		if !differs(file) {
			read.Entries[file] += fmt.Sprintf(" sha256:%x", hash.Sum(nil))
		}
	}
}

// differs reports whether two runs of a package manager never leave the same content in a file.
func differs(file string) bool {
	return path.Dir(file) == "var/lib/rpm" || path.Dir(file) == "var/lib/dnf" || file == "etc/ld.so.cache"
}

// file returns the content of a file of the image.
func (i image) file(name string) ([]byte, error) {
	for _, l := range slices.Backward(i.Layers) {
		if content, ok := l.content[name]; ok {
			return content, nil
		}
	}
	return nil, fmt.Errorf("the image has no /%s", name)
}

// onlyImage returns the image of an index that has one, which may be in an index of its own.
func onlyImage(index v1.ImageIndex) (v1.Image, error) {
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	if len(manifest.Manifests) != 1 {
		return nil, fmt.Errorf("it has %d images and not one", len(manifest.Manifests))
	}
	desc := manifest.Manifests[0]
	if !desc.MediaType.IsIndex() {
		return index.Image(desc.Digest)
	}
	inner, err := index.ImageIndex(desc.Digest)
	if err != nil {
		return nil, err
	}
	return onlyImage(inner)
}
