package policy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/sourcepolicy"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/opencontainers/go-digest"
)

// A Policy is a source policy. The zero value allows everything.
type Policy struct{ rules *spb.Policy }

// New returns a policy of rules, which may be nil.
func New(rules *spb.Policy) Policy { return Policy{rules} }

// A DeniedError reports that a policy denies a source.
type DeniedError struct{ Err error }

func (e *DeniedError) Error() string {
	if e.Err == nil {
		return sourcepolicy.ErrSourceDenied.Error()
	}
	return e.Err.Error()
}

// Unwrap gives BuildKit's own error.
func (e *DeniedError) Unwrap() error { return e.Err }

// An Image is the image that is meant by a reference.
type Image struct {
	Reference string
	// Checksum is the digest that it has to have; empty for any.
	Checksum digest.Digest
	// Other are the names of the attributes that say something else about it.
	Other []string
}

const imageScheme = "docker-image://"

// Identifier returns how an engine, and a policy, call an image of a registry.
func Identifier(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return imageScheme + ref
	}
	return imageScheme + reference.TagNameOnly(named).String()
}

// Image returns the image that is meant by a reference. The error may be a [*DeniedError].
func (p Policy) Image(ctx context.Context, ref string) (Image, error) {
	if p.rules == nil {
		return Image{Reference: ref}, nil
	}
	op := &pb.SourceOp{Identifier: Identifier(ref)}
	if err := p.evaluate(ctx, op); err != nil {
		return Image{}, err
	}
	meant, ok := strings.CutPrefix(op.Identifier, imageScheme)
	if !ok {
		return Image{}, fmt.Errorf("the source policy makes it %s, which is not an image of a registry", op.Identifier)
	}
	out := Image{Reference: meant, Checksum: digest.Digest(op.Attrs[pb.AttrImageChecksum])}
	// The first one was read, and the others are about an engine's own images.
	out.Other = others(op.Attrs, pb.AttrImageChecksum, pb.AttrImageResolveMode, pb.AttrImageRecordType)
	return out, nil
}

// A File is the file that is meant by a URL.
type File struct {
	URL string
	// Checksum is the digest that it has to have; empty for any.
	Checksum digest.Digest
	// Headers are those that the request has to have, by their names in lower case.
	Headers map[string]string
	// Other are the names of the attributes that say something else about it.
	Other []string
}

// File returns the file that is meant by a URL, of which the digest may be known. Attributes about the file in the
// engine count for nothing: its name, its mode and its owner. The error may be a [*DeniedError].
func (p Policy) File(ctx context.Context, url string, checksum digest.Digest) (File, error) {
	if p.rules == nil {
		return File{URL: url, Checksum: checksum}, nil
	}
	op := &pb.SourceOp{Identifier: url, Attrs: map[string]string{}}
	if checksum != "" {
		op.Attrs[pb.AttrHTTPChecksum] = checksum.String()
	}
	if err := p.evaluate(ctx, op); err != nil {
		return File{}, err
	}
	if !strings.HasPrefix(op.Identifier, "http://") && !strings.HasPrefix(op.Identifier, "https://") {
		return File{}, fmt.Errorf("the source policy makes it %s, which is no file of a URL", op.Identifier)
	}
	out := File{URL: op.Identifier, Checksum: digest.Digest(op.Attrs[pb.AttrHTTPChecksum]), Headers: map[string]string{}}
	known := []string{pb.AttrHTTPChecksum, pb.AttrHTTPFilename, pb.AttrHTTPPerm, pb.AttrHTTPUID, pb.AttrHTTPGID}
	for attr, value := range op.Attrs {
		// Others, BuildKit ignores: https://github.com/moby/buildkit/blob/v0.34.2/source/http/source.go (supportedUserDefinedHeaders)
		if name, ok := strings.CutPrefix(attr, pb.AttrHTTPHeaderPrefix); ok {
			known = append(known, attr)
			if name = strings.ToLower(name); name == "accept" || name == "user-agent" {
				out.Headers[name] = value
			}
		}
	}
	out.Other = others(op.Attrs, known...)
	return out, nil
}

func (p Policy) evaluate(ctx context.Context, op *pb.SourceOp) error {
	_, err := sourcepolicy.NewEngine([]*spb.Policy{p.rules}).Evaluate(ctx, op)
	if errors.Is(err, sourcepolicy.ErrSourceDenied) {
		return &DeniedError{err}
	}
	return err
}

// others returns the names of attributes without the known ones, in their order.
func others(attrs map[string]string, known ...string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		if !slices.Contains(known, name) {
			out = append(out, name)
		}
	}
	return out
}
