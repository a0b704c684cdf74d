package family

import (
	"strings"

	"github.com/distribution/reference"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// base returns the normalised reference of an image from outside.
func (r *resolver) base(from spec.Text, value string, family []string) string {
	if value == Scratch {
		return Scratch
	}
	if !strings.ContainsAny(value, "/:@") {
		hint := spec.DidYouMean(value, family)
		if _, near := spec.Nearest(value, family); imageName.MatchString(value) && !near {
			hint = "write docker.io/library/" + value + " for an image from outside"
		}
		r.report.Add(from.At, hint, "no image of this family is called %q", value)
		return ""
	}
	named, err := reference.ParseNormalizedNamed(value)
	if err != nil {
		r.report.Add(from.At, `such as "docker.io/library/fedora:20"`, "%q is no valid reference: %v", value, err)
		return ""
	}
	return reference.TagNameOnly(named).String()
}
