package family

import (
	"strings"

	"github.com/distribution/reference"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/spec/schema"
)

// Records says where records of what builds made are kept in a registry: the normalised name of a repository
// ("registry.example.com/team/records") for all of a family, or "none". Empty means the repository of each image.
type Records string

// noRecords is what a spec says to keep no records in a registry.
const noRecords Records = "none"

// None reports whether records are neither read from a registry nor written to one.
func (r Records) None() bool { return r == noRecords }

// Repository returns the repository for the records of the whole family. It is empty if there is none, or if each image's repository has
// its own records.
func (r Records) Repository() string {
	if r.None() {
		return ""
	}
	return string(r)
}

// recordsForm is the form that package schema describes.
var recordsForm = schema.Records.Regexp()

func (r *resolver) records(t spec.Text) Records {
	value, ok := r.substitute.expand(t, atBuild)
	if !t.IsSet() || !ok || Records(value).None() {
		return Records(value)
	}
	named, err := reference.ParseNormalizedNamed(value)
	if err == nil && recordsForm.MatchString(value) {
		return Records(named.Name())
	}
	hint := spec.RecordsHint
	if scheme, _, found := strings.Cut(value, "://"); found {
		hint = "leave out " + scheme + "://"
	} else if err == nil && !reference.IsNameOnly(named) {
		hint = "leave out the tag and the digest"
	}
	r.report.Add(t.At, hint, "records: %q is not a repository that records can be kept in", value)
	return ""
}
