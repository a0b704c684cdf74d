package build

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// ForgetTold forgets that registries were told of sets, by the references of these, because they were removed: the next publication of what they are
// about tells of them again.
func (c Cache) ForgetTold(references []string) error {
	dirs, err := c.layoutDirs()
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if _, err := os.Stat(filepath.Join(dir, ocispec.ImageIndexFile)); err != nil {
			continue // nothing was built there
		}
		if err := forgetTold(filepath.Join(dir, notesFile), references); err != nil {
			return fmt.Errorf("noting what was removed from registries: %w", err)
		}
	}
	return nil
}

func forgetTold(file string, references []string) error {
	n, err := loadNotes(file)
	if err != nil {
		return err
	}
	for name := range n.Sets {
		if reference, _, _ := strings.Cut(name, " "); slices.Contains(references, reference) {
			delete(n.Sets, name)
		}
	}
	n.Complete, n.Removed = nil, time.Now().UTC()
	return n.write(file)
}
