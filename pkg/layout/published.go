package layout

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
)

// PublishedFile is not part of an OCI image layout, which allows further files.
const PublishedFile = "published.json"

// publishedFormat is the version of PublishedFile. A file of another version is left alone and counts as none.
const publishedFormat = 1

// published is what PublishedFile holds.
type published struct {
	Format int                      `json:"format"`
	Images map[string]digest.Digest `json:"images"` // by reference
}

// Published returns what the last publication of the layout's images left in the registry: a digest for each reference. There is none
// when nothing was published from here.
func (l *Layout) Published() (map[string]digest.Digest, error) {
	data, err := os.ReadFile(filepath.Join(l.Dir(), PublishedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && formatOf(data) != publishedFormat {
		return nil, nil
	}
	var p published
	if err == nil {
		err = json.Unmarshal(data, &p)
	}
	if err != nil {
		return nil, fmt.Errorf("reading what was published: %w", err)
	}
	for reference, d := range p.Images {
		if err := d.Validate(); err != nil {
			return nil, fmt.Errorf("reading what was published in %s: %s: %w", l.Dir(), reference, err)
		}
	}
	return p.Images, nil
}

// formatOf returns the format of a record. A record that is not JSON counts as a damaged one of this format.
func formatOf(data []byte) int {
	var record struct {
		Format int `json:"format"`
	}
	if json.Unmarshal(data, &record) != nil {
		return publishedFormat
	}
	return record.Format
}

// SetPublished records what a publication left in the registry.
func (l *Layout) SetPublished(images map[string]digest.Digest) error {
	if err := replaceJSON(filepath.Join(l.Dir(), PublishedFile), published{publishedFormat, images}); err != nil {
		return fmt.Errorf("recording what was published: %w", err)
	}
	return nil
}
