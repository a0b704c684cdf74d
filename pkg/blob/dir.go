package blob

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A Dir is a directory of blobs. Several processes may use one at once.
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md#blobs
type Dir struct {
	root  string
	store content.Store
}

// Open opens a directory of blobs and makes it when it is not there.
func Open(root string) (*Dir, error) {
	store, err := local.NewStore(root)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(root, ocispec.ImageBlobsDir, digest.SHA256.String()), 0o755); err != nil {
		return nil, err
	}
	return &Dir{root: root, store: store}, nil
}

// Root returns the directory.
func (d *Dir) Root() string { return d.root }

// Store returns the blobs as an engine reads and writes them.
func (d *Dir) Store() content.Store { return d.store }

// Path returns where a blob is, or would be.
func (d *Dir) Path(dgst digest.Digest) string {
	return filepath.Join(d.root, ocispec.ImageBlobsDir, dgst.Algorithm().String(), dgst.Encoded())
}

// Has says whether a blob is there as a whole.
func (d *Dir) Has(desc ocispec.Descriptor) bool {
	info, err := os.Stat(d.Path(desc.Digest))
	return err == nil && info.Size() == desc.Size
}

// Write writes a blob and returns its descriptor.
func (d *Dir) Write(mediaType string, data []byte) (ocispec.Descriptor, error) {
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if d.Has(desc) {
		return desc, nil
	}
	return desc, d.write(desc, bytes.NewReader(data))
}

// WriteJSON writes a value as a blob of JSON.
func (d *Dir) WriteJSON(mediaType string, value any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return d.Write(mediaType, data)
}

// ReadJSON reads a blob of JSON. One that does not have the content of its digest is removed, so that it can come again.
func (d *Dir) ReadJSON(desc ocispec.Descriptor, value any) error {
	data, err := os.ReadFile(d.Path(desc.Digest))
	if err != nil {
		return err
	}
	if digest.FromBytes(data) != desc.Digest {
		return errors.Join(fmt.Errorf("blob %s was damaged in %s and is removed: build again", desc.Digest, d.root), os.Remove(d.Path(desc.Digest)))
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("reading blob %s: %w", desc.Digest, err)
	}
	return nil
}

// Copy brings a blob from another directory.
func (d *Dir) Copy(from *Dir, desc ocispec.Descriptor) error {
	if d.Has(desc) {
		return nil
	}
	in, err := os.Open(from.Path(desc.Digest))
	if err != nil {
		return err
	}
	defer in.Close()
	return d.write(desc, in)
}

// write puts a blob in place by rename, so that it is there as a whole or not at all. It does not wait for the disk: what a crash of
// the machine spoils is made anew from its source, and whoever reads a blob checks its digest.
func (d *Dir) write(desc ocispec.Descriptor, content io.Reader) (err error) {
	target := d.Path(desc.Digest)
	tmp, err := os.CreateTemp(filepath.Dir(target), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(tmp.Name()))
		}
	}()
	verifier := desc.Digest.Verifier()
	_, err = io.Copy(tmp, io.TeeReader(content, verifier))
	if err = errors.Join(err, tmp.Chmod(0o444), tmp.Close()); err != nil {
		return err
	}
	if !verifier.Verified() {
		return fmt.Errorf("blob %s does not have the content of its digest", desc.Digest)
	}
	return os.Rename(tmp.Name(), target)
}
