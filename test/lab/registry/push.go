package registry

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Content is an image (v1.Image) or image index (v1.ImageIndex) to publish.
type Content interface {
	remote.Taggable
	Digest() (v1.Hash, error)
}

// Push publishes the content as reference, HOST:PORT/NAME:TAG, unless it is
// there already.
func Push(ctx context.Context, reference string, content Content) error {
	ref, err := name.NewTag(reference, name.StrictValidation)
	if err != nil {
		return err
	}
	digest, err := content.Digest()
	if err != nil {
		return fmt.Errorf("publishing %s: %w", reference, err)
	}
	if present, err := remote.Head(ref, remote.WithContext(ctx)); err == nil && present.Digest == digest {
		return nil
	}
	switch content := content.(type) {
	case v1.Image:
		err = remote.Write(ref, content, remote.WithContext(ctx))
	case v1.ImageIndex:
		err = remote.WriteIndex(ref, content, remote.WithContext(ctx))
	default:
		err = fmt.Errorf("it is a %T", content)
	}
	if err != nil {
		return fmt.Errorf("publishing %s: %w", reference, err)
	}
	return nil
}
