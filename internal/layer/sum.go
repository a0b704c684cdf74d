package layer

import (
	"context"
	"crypto/sha256"
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
	cache := s.cache(folder)
	if stamp, ok := statcache.StampOf(info); ok {
		if sum, answer := cache.Lookup(name, stamp); answer == statcache.Same {
			return sum[:], nil
		}
	}
	return readSum(ctx, cache, name, open)
}

func readSum(ctx context.Context, cache *statcache.Cache, name string, open func() (io.ReadCloser, error)) (_ []byte, err error) {
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	keep := func(statcache.Sum) {}
	if f, ok := r.(*os.File); ok {
		keep = cache.Begin(name, f).End
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, ctxreader.New(ctx, r)); err != nil {
		return nil, err
	}
	sum := statcache.Sum(hash.Sum(nil))
	keep(sum)
	return sum[:], nil
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
