package family

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"runtime"

	"github.com/pulpimg/pulpimg/internal/ctxreader"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// inputsFormat is the version of what Inputs returns digests of.
const inputsFormat = 2

// A Summer returns the SHA-256 digest of a file on disk.
type Summer func(ctx context.Context, file DiskContent) ([]byte, error)

// Inputs returns a SHA-256 digest in hex for each image, by its name. It covers all that the spec and its files say about the image and the
// images that it is based on. If two families have the same digest for an image, building it gives the same result, apart from what the
// digest does not cover: the content of a base from outside and of package repositories, the platform, and the image's registry and tag.
// Without a Summer, Inputs reads all files.
func (f *Family) Inputs(ctx context.Context, sum Summer) (map[string]string, error) {
	if sum == nil {
		sum = ReadSum
	}
	digests := map[string]string{}
	for _, image := range f.Images {
		below := image.Base
		if image.Parent != nil {
			below = digests[image.Parent.Name]
		}
		w := inputWriter{Hash: sha256.New(), sum: sum, images: digests}
		if err := w.image(ctx, image, below); err != nil {
			return nil, fmt.Errorf("reading what %s is built from: %w", image.Name, err)
		}
		digests[image.Name] = hex.EncodeToString(w.Sum(nil))
	}
	return digests, nil
}

// An inputWriter hashes what decides an image. No two lists of values give it the same bytes.
type inputWriter struct {
	hash.Hash
	sum    Summer
	images map[string]string // the digests of the images so far, by name
}

// bytes writes a value with its length before it. A hash takes everything.
func (w inputWriter) bytes(value []byte) {
	var length [8]byte
	binary.LittleEndian.PutUint64(length[:], uint64(len(value)))
	_, _ = w.Write(length[:])
	_, _ = w.Write(value)
}

// json writes a value of any type.
func (w inputWriter) json(value any) error {
	data, err := json.Marshal(value)
	if err == nil {
		w.bytes(data)
	}
	return err
}

func (w inputWriter) image(ctx context.Context, image *Image, below string) error {
	if err := w.json([]any{inputsFormat, below, image.Config}); err != nil {
		return err
	}
	for _, step := range image.Steps {
		if err := w.step(ctx, step); err != nil {
			return err
		}
	}
	return nil
}

// step writes what a step does. Where it is in the spec, and what people see it called, makes no difference.
func (w inputWriter) step(ctx context.Context, step Step) error {
	w.bytes(fmt.Appendf(nil, "%T", step))
	switch s := step.(type) {
	case Files:
		if err := w.json(len(s.Copies)); err != nil {
			return err
		}
		for _, c := range s.Copies {
			w.source(c.Source)
			c.Source, c.At = ImageSource{}, spec.Range{}
			if err := w.json(c); err != nil {
				return err
			}
		}
		return w.files(ctx, s.Files)
	case Fetch:
		s.Common = Common{}
		return w.json(s)
	case Packages:
		s.Common = Common{}
		return w.json(s)
	case Directories:
		s.Common = Common{}
		return w.json(s)
	case Run:
		return w.run(ctx, s)
	case Env:
		return w.json(s.Vars)
	}
	return fmt.Errorf("there are no inputs of a step of the type %T", step)
}

// source writes an image that a step takes files from.
func (w inputWriter) source(s ImageSource) {
	w.bytes([]byte(s.Reference))
	if s.Image != nil {
		w.bytes([]byte(w.images[s.Image.Name]))
	}
}

func (w inputWriter) run(ctx context.Context, s Run) error {
	mounts := s.Mounts
	s.Common, s.Mounts = Common{}, nil
	if err := w.json([]any{s, len(mounts)}); err != nil {
		return err
	}
	for _, m := range mounts {
		if err := w.json(len(m.Files)); err != nil {
			return err
		}
		w.bytes([]byte(m.Path))
		w.bytes([]byte(m.From))
		if m.Source != nil {
			w.source(*m.Source)
		}
		if err := w.files(ctx, m.Files); err != nil {
			return err
		}
	}
	return nil
}

func (w inputWriter) files(ctx context.Context, files []File) error {
	for _, f := range files {
		content, err := w.content(ctx, f.Content)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		w.bytes([]byte(f.Path))
		w.bytes(append(binary.LittleEndian.AppendUint32(nil, uint32(f.Mode)), f.Owner...))
		w.bytes([]byte(f.Target))
		w.bytes(content)
	}
	return nil
}

// content returns the digest of a file's content.
func (w inputWriter) content(ctx context.Context, content Content) ([]byte, error) {
	switch c := content.(type) {
	case nil:
		return nil, nil
	case DiskContent:
		return w.sum(ctx, c)
	}
	// The helper is another one for each architecture. All of them come from the same sources, so one stands for all.
	sum, err := Sum(ctx, content, runtime.GOARCH)
	return sum[:], err
}

// ReadSum is the Summer that reads the file.
func ReadSum(ctx context.Context, file DiskContent) ([]byte, error) {
	sum, err := Sum(ctx, file, runtime.GOARCH)
	return sum[:], err
}

// Sum returns the SHA-256 digest of a content for an architecture in Go's terms.
func Sum(ctx context.Context, content Content, arch string) (sum [sha256.Size]byte, err error) {
	if ctx.Err() != nil {
		return sum, context.Cause(ctx)
	}
	r, err := content.Open(arch)
	if err != nil {
		return sum, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if known, ok := r.(interface{ SHA256() [sha256.Size]byte }); ok { // see assets.FS
		return known.SHA256(), nil
	}
	sum, _, err = ctxreader.SHA256(ctx, r, nil)
	return sum, err
}
