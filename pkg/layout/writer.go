package layout

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/ctxreader"
)

// A Writer writes a blob whose digest is known at its end. The blob is there as a whole or not at all. It does not wait for the disk: every
// reader of a blob checks its digest, and a blob that a crash of the machine damaged is made again.
type Writer struct {
	dir    *Blobs
	file   *os.File
	hash   digest.Digester
	size   int64
	closed func() error
}

// Create begins a blob. The writer has to be closed.
func (d *Blobs) Create() (*Writer, error) { return d.create(digest.SHA256) }

func (d *Blobs) create(algorithm digest.Algorithm) (*Writer, error) {
	if !algorithm.Available() {
		return nil, fmt.Errorf("blobs with digests of %s are not supported", algorithm)
	}
	c, err := d.begin()
	if err != nil {
		return nil, err
	}
	file, err := os.CreateTemp(c.dir, "blob-*")
	if err != nil {
		return nil, errors.Join(err, d.end())
	}
	w := &Writer{dir: d, file: file, hash: algorithm.Digester()}
	w.closed = sync.OnceValue(func() error {
		err := file.Close()
		if errors.Is(err, os.ErrClosed) {
			err = nil // by Commit
		}
		if removed := os.Remove(file.Name()); !errors.Is(removed, os.ErrNotExist) {
			err = errors.Join(err, removed)
		}
		return errors.Join(err, d.end())
	})
	return w, nil
}

// Write implements io.Writer.
func (w *Writer) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.size += int64(n)
	_, _ = w.hash.Hash().Write(p[:n]) // a hash takes everything
	return n, err
}

// Commit puts the blob in its place.
func (w *Writer) Commit(mediaType string) (ocispec.Descriptor, error) {
	desc := ocispec.Descriptor{MediaType: mediaType, Digest: w.hash.Digest(), Size: w.size}
	if err := errors.Join(w.file.Chmod(0o444), w.file.Close()); err != nil {
		return ocispec.Descriptor{}, err
	}
	if err := os.Rename(w.file.Name(), w.dir.Path(desc.Digest)); err != nil {
		return ocispec.Descriptor{}, err
	}
	w.dir.setChecked(desc.Digest)
	return desc, nil
}

// Close removes what was not committed.
func (w *Writer) Close() error { return w.closed() }

// errOtherContent reports that a content does not have the digest that it was to have.
var errOtherContent = errors.New("it does not have the content of its digest")

// Copy copies a blob from another directory of this program's own. If the blob is damaged there, it is removed, so that it is made again.
func (d *Blobs) Copy(ctx context.Context, from *Blobs, desc ocispec.Descriptor) error {
	if d.Has(desc) {
		return nil
	}
	in, err := os.Open(from.Path(desc.Digest))
	if err != nil {
		return err
	}
	defer in.Close()
	if err := d.write(ctx, desc, in); !errors.Is(err, errOtherContent) {
		return err
	}
	return from.removeDamaged(desc)
}

// Link takes a blob from another directory of this program's own as a hard link, if the file system allows it. A directory that
// belongs to the user gets a copy.
func (d *Blobs) Link(ctx context.Context, from *Blobs, desc ocispec.Descriptor) error {
	if d.Has(desc) && (d.sameFile(from, desc) || d.Check(ctx, desc) == nil) {
		return nil
	}
	if err := from.Check(ctx, desc); err != nil {
		return err
	}
	if d.link(from, desc) == nil {
		d.setChecked(desc.Digest)
		return nil
	}
	return d.Copy(ctx, from, desc) // another file system, or one without hard links
}

// link links a blob under a temporary name and renames it: a damaged file from before a crash may have its name.
func (d *Blobs) link(from *Blobs, desc ocispec.Descriptor) (err error) {
	c, err := d.begin()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.end()) }()
	tmp, err := os.MkdirTemp(c.dir, "link-*") // only its owner makes names in it
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // or else it goes with the claim
	name := filepath.Join(tmp, desc.Digest.Encoded())
	if err := os.Link(from.Path(desc.Digest), name); err != nil {
		return err
	}
	return os.Rename(name, d.Path(desc.Digest))
}

// Open opens a blob that has the content of its digest. One that has not is removed, so that it can come again.
func (d *Blobs) Open(ctx context.Context, desc ocispec.Descriptor) (*os.File, error) {
	if err := d.Check(ctx, desc); err != nil {
		return nil, err
	}
	return os.Open(d.Path(desc.Digest))
}

// sameFile reports whether a blob is the same file in two directories.
func (d *Blobs) sameFile(other *Blobs, desc ocispec.Descriptor) bool {
	a, errA := os.Stat(d.Path(desc.Digest))
	b, errB := os.Stat(other.Path(desc.Digest))
	return errA == nil && errB == nil && os.SameFile(a, b)
}

// Check compares the content of a blob with its digest, once. A blob that does not have that content is removed, so that it can come again.
func (d *Blobs) Check(ctx context.Context, desc ocispec.Descriptor) error {
	d.mu.Lock()
	checked := d.checked[desc.Digest]
	d.mu.Unlock()
	if checked {
		return nil
	}
	in, err := os.Open(d.Path(desc.Digest))
	if err != nil {
		return err
	}
	defer in.Close()
	verifier := desc.Digest.Verifier()
	if _, err := io.Copy(verifier, ctxreader.New(ctx, in)); err != nil {
		return err
	}
	if !verifier.Verified() {
		return d.removeDamaged(desc)
	}
	d.setChecked(desc.Digest)
	return nil
}

func (d *Blobs) setChecked(dgst digest.Digest) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.checked[dgst] = true
}

// write writes a blob whose descriptor is known.
func (d *Blobs) write(ctx context.Context, desc ocispec.Descriptor, content io.Reader) (err error) {
	w, err := d.create(desc.Digest.Algorithm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	if _, err := io.Copy(w, ctxreader.New(ctx, content)); err != nil {
		return err
	}
	if w.hash.Digest() != desc.Digest {
		return fmt.Errorf("blob %s: %w", desc.Digest, errOtherContent)
	}
	_, err = w.Commit(desc.MediaType)
	return err
}
