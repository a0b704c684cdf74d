package publish

import (
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// Content is what is published under a reference: a [v1.Image] or a [v1.ImageIndex].
type Content interface {
	Digest() (v1.Hash, error)
	MediaType() (types.MediaType, error)
	RawManifest() ([]byte, error)
}

// Item is one image of the family on its way to a registry.
type Item struct {
	// Name is what messages and results call it.
	Name string
	// Reference is where it goes: REGISTRY/REPOSITORY:TAG.
	Reference name.Tag
	// Content is a v1.Image or a v1.ImageIndex. Its layers need not be on this machine if they have sources; a [v1.Layer] that is not there
	// says so with [fs.ErrNotExist] when it is opened.
	Content Content
	// Sources say where layers of the content are. A layer is mounted from there if it goes to the same registry.
	Sources []layout.Source
}

// checkItems refuses items whose publication could only fail halfway.
func checkItems(items []Item) error {
	named := make(map[string]string, len(items))
	for _, item := range items {
		if item.Reference.TagStr() == "" {
			return fmt.Errorf("%s has no reference to be published under", item.Name)
		}
		switch item.Content.(type) {
		case v1.Image, v1.ImageIndex:
		case nil:
			return fmt.Errorf("%s has no content to publish", item.Name)
		default:
			return fmt.Errorf("%s is neither an image nor an index but a %T", item.Name, item.Content)
		}
		ref := item.Reference.Name()
		if other, taken := named[ref]; taken {
			return fmt.Errorf("%s and %s would both be published as %s", other, item.Name, ref)
		}
		named[ref] = item.Name
	}
	if len(items) == 0 {
		return errors.New("there is nothing to publish")
	}
	return nil
}
