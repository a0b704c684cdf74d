package outside

import (
	"fmt"
	"strings"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A PlacesError reports that an image is at none of the places where it is looked for. There are several: mirrors, and its registry.
type PlacesError struct {
	Places []string // references, in the order in which they were asked
	Errs   []error  // what each of them answered
}

func (e *PlacesError) Error() string {
	texts := make([]string, len(e.Errs))
	for i, err := range e.Errs {
		texts[i] = "at " + e.Places[i] + ": " + err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives what each place answered.
func (e *PlacesError) Unwrap() []error { return e.Errs }

// A PlatformError reports that an image is not for a platform.
type PlatformError struct {
	Want ocispec.Platform
	Has  []ocispec.Platform // those that it is for
}

func (e *PlatformError) Error() string {
	names := make([]string, len(e.Has))
	for i, has := range e.Has {
		names[i] = platforms.Format(has)
	}
	if len(names) == 0 {
		return fmt.Sprintf("it is for no platform, not for %s", platforms.Format(e.Want))
	}
	return fmt.Sprintf("it is for %s, not for %s", strings.Join(names, ", "), platforms.Format(e.Want))
}

// An UnsupportedError reports that an image, or what a source policy says of it, is of a kind that only an engine can use, if anybody.
type UnsupportedError struct{ Reason string }

func (e *UnsupportedError) Error() string { return e.Reason }

// A ChecksumError reports that an image does not have the digest that the source policy says.
type ChecksumError struct{ Want, Got digest.Digest }

func (e *ChecksumError) Error() string {
	return fmt.Sprintf("it is %s, and the source policy says that it is %s", e.Got, e.Want)
}
