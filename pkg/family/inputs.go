package family

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
)

// inputsFormat is the version of what Inputs returns digests of.
const inputsFormat = 1

// Inputs returns, by the name of each image, a SHA-256 digest in hex of what the spec and its files decide of the image and of what it is
// based on. Two families have the same digest for an image if building them makes the same of it, as far as that depends on them: what
// a base or a package repository offers, and the platform, is not part of it. Neither are the image's registry and tag.
func (f *Family) Inputs(ctx context.Context) (map[string]string, error) {
	digests := map[string]string{}
	for _, image := range f.Images {
		sum := sha256.New()
		below := image.Base
		if image.Parent != nil {
			below = digests[image.Parent.Name]
		}
		if err := writeInputs(ctx, sum, image, below); err != nil {
			return nil, fmt.Errorf("reading what %s is built from: %w", image.Name, err)
		}
		digests[image.Name] = hex.EncodeToString(sum.Sum(nil))
	}
	return digests, nil
}

// writeInputs writes what decides an image as lines of JSON.
func writeInputs(ctx context.Context, w io.Writer, image *Image, below string) error {
	out := json.NewEncoder(w)
	if err := out.Encode([]any{inputsFormat, below, image.Config}); err != nil {
		return err
	}
	for _, step := range image.Steps {
		var err error
		switch s := step.(type) {
		case Files:
			err = writeFileInputs(ctx, out, s.Files)
		case Fetch:
			s.Common = Common{}
			err = out.Encode([]any{"fetch", s})
		case Packages:
			s.Common = Common{}
			err = out.Encode([]any{"packages", s})
		case Run:
			s.Common = Common{}
			err = out.Encode([]any{"run", s})
		default:
			err = fmt.Errorf("a step of the unknown type %T", step)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func writeFileInputs(ctx context.Context, out *json.Encoder, files []File) error {
	for _, f := range files {
		content, err := contentDigest(ctx, f)
		if err == nil {
			err = out.Encode([]any{"file", f.Path, f.Mode, f.Target, content})
		}
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return nil
}

// helperArchs are the architectures that a helper may be there for.
var helperArchs = [...]string{"amd64", "arm64"}

func contentDigest(ctx context.Context, f File) (string, error) {
	if f.Content == nil {
		return "", nil
	}
	sum := sha256.New()
	if h, ok := f.Content.(helper); ok {
		return h.digest(ctx, sum)
	}
	if err := hashContent(ctx, sum, f.Content); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// digest covers the helpers of all architectures, whichever the images are built for.
func (h helper) digest(ctx context.Context, sum hash.Hash) (string, error) {
	for _, arch := range helperArchs {
		fmt.Fprintln(sum, arch)
		built := asset{assets: h.assets, name: helperAsset(arch)}
		if err := hashContent(ctx, sum, built); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// hashContent adds content that is the same for all architectures.
func hashContent(ctx context.Context, sum hash.Hash, content Content) (err error) {
	r, err := content.Open("")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	_, err = io.Copy(sum, untilDone{ctx, r})
	return err
}

// untilDone is a reader that fails when its context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.r.Read(p)
}
