package treeindex

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/internal/cachedir"
)

// A Store keeps indexes on disk, each by the diff ID of its layer. It keeps none in memory.
type Store struct{ dir string }

// OpenStore returns the store in a directory, which need not be there.
func OpenStore(dir string) Store {
	return Store{filepath.Join(dir, fmt.Sprintf("indexes.v%d", format))}
}

// Get returns the index of a layer. It reports false if the store does not have it, or if its file is damaged.
func (s Store) Get(diffID digest.Digest) (*Index, bool) {
	name, err := s.file(diffID)
	if err != nil {
		return nil, false
	}
	data, err := os.ReadFile(name)
	seal := sealOf(diffID)
	if err != nil || !bytes.HasSuffix(data, seal) {
		return nil, false
	}
	data = data[:len(data)-len(seal)]
	index, err := Decode(data)
	if err != nil {
		return nil, false
	}
	cachedir.MarkUsed(name)
	return index, true
}

// Has reports whether the store has something for a layer, without a look into it.
func (s Store) Has(diffID digest.Digest) bool {
	name, err := s.file(diffID)
	if err != nil {
		return false
	}
	_, err = os.Stat(name)
	return err == nil
}

// Put keeps the index of a layer. It removes those that were not used for a long time.
func (s Store) Put(diffID digest.Digest, index *Index) error {
	name, err := s.file(diffID)
	if err != nil {
		return err
	}
	data, err := index.Encode()
	if err != nil {
		return err
	}
	if err := s.write(name, append(data, sealOf(diffID)...)); err != nil {
		return fmt.Errorf("keeping the index of the layer %s: %w", diffID, err)
	}
	return nil
}

func (s Store) write(name string, data []byte) error {
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	cachedir.RemoveUnused(s.dir)
	return atomicfile.Write(name, data, 0o600)
}

// sealOf returns what ends the file of a layer, so that the index of another layer is not taken for it.
func sealOf(diffID digest.Digest) []byte {
	sum := sha256.Sum256([]byte(diffID))
	return sum[:]
}

// file returns the file for a layer.
func (s Store) file(diffID digest.Digest) (string, error) {
	if err := diffID.Validate(); err != nil {
		return "", fmt.Errorf("the diff ID %q of a layer: %w", diffID, err)
	}
	return filepath.Join(s.dir, diffID.Encoded()), nil
}
