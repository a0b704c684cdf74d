package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pulpimg/pulpimg/internal/ctxreader"
	"github.com/pulpimg/pulpimg/internal/statcache"
)

// A file names a file on disk.
type file struct{ folder, name string }

// Sum returns the SHA-256 digest of a file. If the store put the file into a layer before, it is the digest of the content in the layer,
// otherwise of the content on disk. A file that did not change since it was last read is not read again.
func (s *Store) Sum(ctx context.Context, source Source, open func() (io.ReadCloser, error)) ([]byte, error) {
	folder, name, info := source.File()
	s.mu.Lock()
	sum, ok := s.sums[file{folder, name}]
	s.mu.Unlock()
	if ok {
		return sum[:], nil
	}
	if stamp, ok := statcache.StampOf(info); ok {
		if sum, answer := s.cache(folder).Lookup(name, stamp); answer == statcache.Same {
			return sum[:], nil
		}
	}
	c, err := s.read(ctx, source, open, nil)
	if err != nil {
		return nil, err
	}
	return c.sum[:], nil
}

// read reads a content through a buffer, and notes its digest in the stat cache if it is a file. The source may be nil.
func (s *Store) read(ctx context.Context, source Source, open func() (io.ReadCloser, error), buffer []byte) (c content, err error) {
	r, err := open()
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	end := s.begin(source, r)
	sum, size, err := ctxreader.SHA256(ctx, r, buffer)
	if err != nil {
		return c, err
	}
	end(sum)
	return content{sum: sum, size: size, known: true, read: true}, nil
}

// begin is called before a content is read, and what it returns with the digest of all that was read.
func (s *Store) begin(source Source, r io.Reader) (end func(statcache.Sum)) {
	f, ok := r.(*os.File)
	if source == nil || !ok {
		return func(statcache.Sum) {}
	}
	folder, name, _ := source.File()
	return s.cache(folder).Begin(name, f).End
}

// remember notes the digests of the files of a layer. It is an error when a file is in another layer with different content: the file has
// changed in between.
func (s *Store) remember(entries []Entry, contents []content) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range entries {
		if e.Source == nil {
			continue
		}
		folder, name, _ := e.Source.File()
		key, sum := file{folder, name}, contents[i].sum
		if before, ok := s.sums[key]; ok && before != sum {
			return fmt.Errorf("%s: %w", name, errChanged)
		}
		s.sums[key] = sum
	}
	return nil
}
