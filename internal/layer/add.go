package layer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/statcache"
)

// An addition is a layer that is being added to a store.
type addition struct {
	store    *Store
	entries  []Entry
	opts     Options
	contents []content // of the entries
}

// A content is what is known of an entry's content.
type content struct {
	sum   statcache.Sum
	size  int64
	known bool
	read  bool // this addition has read it
}

// layer finds the layer in the store, or writes it.
func (a *addition) layer(ctx context.Context) (Layer, error) {
	made := Layer{Entries: a.entries}
	if !a.lookUp() {
		if err := a.read(ctx); err != nil {
			return Layer{}, err
		}
		made.DiffID, made.Blob, made.Known = a.store.byKey(ctx, a.key())
	}
	if !made.Known {
		if err := a.write(ctx, &made); err != nil {
			return Layer{}, err
		}
	}
	if err := a.store.remember(a.entries, a.contents); err != nil {
		return Layer{}, err
	}
	return made, a.store.saveCaches()
}

// lookUp takes the digests of unchanged files from the stat cache. It reports whether the cache has never seen one of the files. Then the
// layer is new and has to be written, which reads its files anyway. Otherwise the layer is probably in the store, and to read its files, to
// make sure, is much less work than to write the layer.
func (a *addition) lookUp() (isNew bool) {
	for i, e := range a.entries {
		if e.Known != nil {
			a.contents[i] = content{sum: e.Known.SHA256, size: e.Known.Size, known: true}
		}
		if e.Source == nil {
			continue
		}
		folder, name, info := e.Source.File()
		stamp, ok := statcache.StampOf(info)
		if !ok {
			continue
		}
		sum, answer := a.store.cache(folder).Lookup(name, stamp)
		switch {
		case answer == statcache.Unknown:
			isNew = true
		case answer == statcache.Same && !a.opts.ReadAll:
			a.contents[i] = content{sum: sum, size: stamp.Size, known: true}
		}
	}
	return isNew
}

// Find returns the layer of the entries if the store has it. It reads files only to find out whether they changed.
func (s *Store) Find(ctx context.Context, entries []Entry, opts Options) (made Layer, ok bool, err error) {
	a := &addition{store: s, entries: entries, opts: opts, contents: make([]content, len(entries))}
	if opts.ReadAll || a.lookUp() {
		return Layer{}, false, nil
	}
	for i, e := range entries {
		if e.Open != nil && e.Source == nil && !a.contents[i].known {
			return Layer{}, false, nil
		}
	}
	if err := a.read(ctx); err != nil {
		return Layer{}, false, err
	}
	made = Layer{Entries: entries}
	if made.DiffID, made.Blob, made.Known = s.byKey(ctx, a.key()); !made.Known {
		return Layer{}, false, nil
	}
	if err := s.remember(entries, a.contents); err != nil {
		return Layer{}, false, err
	}
	made, err = s.finish(made, opts)
	return made, err == nil, err
}

// read reads the contents that are not known.
func (a *addition) read(ctx context.Context) error {
	buffer := make([]byte, bufferSize)
	for i, e := range a.entries {
		if e.Open == nil || a.contents[i].known {
			continue
		}
		c, err := a.store.read(ctx, e.Source, e.Open, buffer)
		if err != nil {
			return fmt.Errorf("reading %s for its layer: %w", e.Path, err)
		}
		a.contents[i] = c
	}
	return nil
}

// bufferSize is the size of each buffer between the files and the blob.
const bufferSize = 256 << 10

// write compresses the layer while it reads the files, and writes it to the store.
func (a *addition) write(ctx context.Context, made *Layer) (err error) {
	out, err := a.store.blobs.Create()
	if err != nil {
		return fmt.Errorf("storing a layer: %w", err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	buffered := bufio.NewWriterSize(out, bufferSize)
	zw, err := gzip.NewWriterLevel(buffered, gzip.DefaultCompression) // gzip.BestCompression saves 3 % and takes eight times as long
	if err != nil {
		return err
	}
	digester := digest.SHA256.Digester()
	if err := a.writeTar(ctx, io.MultiWriter(zw, digester.Hash())); err != nil {
		return err
	}
	if err := errors.Join(zw.Close(), buffered.Flush()); err != nil {
		return fmt.Errorf("storing a layer: %w", err)
	}
	made.DiffID = digester.Digest()
	if made.Blob, made.Known = a.store.byDiffID(ctx, made.DiffID); !made.Known {
		if made.Blob, err = out.Commit(ocispec.MediaTypeImageLayerGzip); err != nil {
			return fmt.Errorf("storing a layer: %w", err)
		}
		if err := a.store.writeBlobNote(a.store.blobPath(made.DiffID), made.DiffID, made.Blob); err != nil {
			return fmt.Errorf("storing a layer: %w", err)
		}
	}
	if err := writeNote(a.store.keyPath(a.key()), newKeyNote(a.key(), made.DiffID)); err != nil {
		return fmt.Errorf("storing a layer: %w", err)
	}
	return nil
}
