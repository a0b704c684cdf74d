package family

import (
	"fmt"
	"strings"

	"github.com/distribution/reference"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// registry returns what all images are published under: the override, if there is one, and else what the spec says.
func (r *resolver) registry(override string) string {
	r.substitute.missing.optional = override != ""
	registry, ok := r.substitute.expand(r.spec.Registry, atBuild)
	r.substitute.missing.optional = false
	if override != "" {
		registry, ok = override, true
	}
	if _, err := reference.ParseNormalizedNamed(registry + "/image"); err != nil && ok {
		hint := `such as "docker.io/example"`
		if strings.Contains(registry, "://") {
			hint = "leave out " + registry[:strings.Index(registry, "://")+len("://")]
		}
		r.refuse("registry", r.spec.Registry.At, override != "", hint,
			fmt.Sprintf("%q is not a registry and a path that images can be published under", registry))
	}
	return registry
}

// tag returns the tag of all images.
func (r *resolver) tag(override string) string {
	r.substitute.missing.optional = override != ""
	tag, ok := r.substitute.expand(r.spec.Tag, atBuild)
	r.substitute.missing.optional = false
	if override != "" {
		tag, ok = override, true
	}
	if ok && (tag == "" || reference.TagRegexp.FindString(tag) != tag) {
		r.refuse("tag", r.spec.Tag.At, override != "", "use letters, digits, '_', '.' and '-', 128 of them at most, and begin with no '.' or '-'",
			fmt.Sprintf("%q is no tag", tag))
	}
	return tag
}

// refuse adds an error about the value of a key, or about what overrides it.
func (r *resolver) refuse(key string, at spec.Range, overridden bool, hint, problem string) {
	if overridden {
		r.report.AddError(at, hint, &OverrideError{Key: key, Problem: problem})
		return
	}
	r.report.Add(at, hint, "%s: %s", key, problem)
}

// reference returns what an image is published under, normalised. No two images have the same: their names differ, and nothing else
// does. When one of the parts is wrong, there is an error about it already and the result means nothing.
func (r *resolver) reference(f *Family, name spec.Text, unpublished bool) string {
	if name.Value == Scratch || !imageName.MatchString(name.Value) {
		hint := "use small letters and digits, and '-', '_' or '.' between them"
		if name.Value == Scratch {
			hint = "from: scratch means no image at all"
		}
		r.report.Add(name.At, hint, "%q is no name for an image", name.Value)
		return ""
	}
	if unpublished {
		return localReference(f, name.Value)
	}
	named, err := reference.ParseNormalizedNamed(f.Registry + "/" + name.Value)
	if err != nil {
		if _, registryErr := reference.ParseNormalizedNamed(f.Registry + "/image"); registryErr == nil {
			r.report.Add(name.At, "", "%s/%s is no valid reference: %v", f.Registry, name.Value, err)
		}
		return ""
	}
	tagged, err := reference.WithTag(named, f.Tag)
	if err != nil {
		return ""
	}
	return tagged.String()
}

// localReference is what an image that is not published is called where other builders keep their images: no registry has this name.
func localReference(f *Family, image string) string {
	for _, name := range []string{"localhost/" + f.Name + "/" + image, "localhost/" + image} {
		named, err := reference.ParseNormalizedNamed(name)
		if err != nil {
			continue // the name of a family need not be the part of a repository's
		}
		if tagged, err := reference.WithTag(named, f.Tag); err == nil {
			return tagged.String()
		}
	}
	return ""
}

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
