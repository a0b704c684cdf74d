package layout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Blobs are a directory of blobs. Several processes may use one at once.
// https://github.com/opencontainers/image-spec/blob/main/image-layout.md#blobs
type Blobs struct {
	root    string
	foreign bool // another program's: nothing is changed there

	mu      sync.Mutex
	store   content.Store // containerd's; nil until it is asked for
	claim   *claim        // of all that is being written
	writers int
	tidied  bool
	checked map[digest.Digest]bool // the blobs whose content was compared with their digest
}

// OpenBlobs opens a directory of blobs and makes it when it is not there.
func OpenBlobs(root string) (*Blobs, error) {
	if err := os.MkdirAll(filepath.Join(root, ocispec.ImageBlobsDir, digest.SHA256.String()), 0o755); err != nil {
		return nil, err
	}
	return &Blobs{root: root, checked: map[digest.Digest]bool{}}, nil
}

// ForeignBlobs returns the blobs of another program, which are read and never changed. The directory need not exist.
func ForeignBlobs(root string) *Blobs {
	return &Blobs{root: root, foreign: true, checked: map[digest.Digest]bool{}}
}

// Root returns the directory.
func (d *Blobs) Root() string { return d.root }

// Path returns where a blob is, or would be. For a digest that is none, it is a path at which there is nothing.
func (d *Blobs) Path(dgst digest.Digest) string {
	if dgst.Validate() != nil {
		return filepath.Join(d.root, ocispec.ImageBlobsDir, "no digest")
	}
	return filepath.Join(d.root, ocispec.ImageBlobsDir, dgst.Algorithm().String(), dgst.Encoded())
}

// Has reports whether a blob is there as a whole.
func (d *Blobs) Has(desc ocispec.Descriptor) bool {
	info, err := os.Stat(d.Path(desc.Digest))
	return err == nil && info.Size() == desc.Size
}

// Write writes a blob and returns its descriptor. One that is there as it should be stays.
func (d *Blobs) Write(mediaType string, data []byte) (ocispec.Descriptor, error) {
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
	if before, err := os.ReadFile(d.Path(desc.Digest)); err == nil && bytes.Equal(before, data) {
		return desc, nil
	}
	return desc, d.write(context.Background(), desc, bytes.NewReader(data))
}

// WriteJSON writes a value as a blob of JSON.
func (d *Blobs) WriteJSON(mediaType string, value any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	return d.Write(mediaType, data)
}

// Read reads a blob that fits into memory. One that does not have the content of its digest is removed, so that it can come again.
func (d *Blobs) Read(desc ocispec.Descriptor) ([]byte, error) {
	data, err := os.ReadFile(d.Path(desc.Digest))
	if err != nil {
		return nil, err
	}
	if digest.FromBytes(data) != desc.Digest {
		return nil, d.removeDamaged(desc)
	}
	return data, nil
}

// ReadJSON reads a blob of JSON, as Read does.
func (d *Blobs) ReadJSON(desc ocispec.Descriptor, value any) error {
	data, err := d.Read(desc)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, value); err != nil {
		return fmt.Errorf("reading blob %s: %w", desc.Digest, err)
	}
	return nil
}

// removeDamaged removes a blob that does not have the content of its digest, and returns an error about it.
func (d *Blobs) removeDamaged(desc ocispec.Descriptor) error {
	if d.foreign {
		return fmt.Errorf("blob %s is damaged in %s", desc.Digest, d.root)
	}
	return errors.Join(fmt.Errorf("blob %s was damaged in %s and is removed: build again", desc.Digest, d.root), os.Remove(d.Path(desc.Digest)))
}

// begin returns a claim to write in. Each call of it needs one of end.
func (d *Blobs) begin() (*claim, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.tidied {
		if err := tidy(d.root); err != nil {
			return nil, fmt.Errorf("removing what interrupted processes left in %s: %w", d.root, err)
		}
		d.tidied = true
	}
	if d.claim == nil {
		c, err := newClaim(d.root)
		if err != nil {
			return nil, err
		}
		d.claim = c
	}
	d.writers++
	return d.claim, nil
}

// end gives up a claim that nobody writes in any more.
func (d *Blobs) end() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.writers--; d.writers > 0 {
		return nil
	}
	c := d.claim
	d.claim = nil
	return c.release()
}

// ref returns the name in containerd's store of what is being written.
func (d *Blobs) ref(name string) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.claim == nil {
		return name // nothing is
	}
	return d.claim.ref(name)
}
