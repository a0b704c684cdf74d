package family

import (
	"fmt"
	"path"
	"strings"

	"github.com/distribution/reference"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// A listed is a value of a list of the spec or, in its place, one that the caller of Resolve gave.
type listed struct {
	value string
	at    spec.Range
	ok    bool // it could be expanded
}

// overridable returns the values of a list, or what overrides them.
func (r *resolver) overridable(declared []spec.Text, overrides []string) []listed {
	var out []listed
	r.unlessOverridden(len(overrides) > 0, func() {
		for _, t := range declared {
			value, ok := r.substitute.expand(t, atBuild)
			out = append(out, listed{value, t.At, ok})
		}
	})
	if len(overrides) == 0 {
		return out
	}
	var at spec.Range
	if len(declared) > 0 {
		at = declared[0].At
	}
	out = nil
	for _, value := range overrides {
		out = append(out, listed{value, at, true})
	}
	return out
}

// unlessOverridden does something that needs values of variables, unless what it does is overridden.
func (r *resolver) unlessOverridden(overridden bool, do func()) {
	missing := r.substitute.missing
	before := *missing
	missing.optional = before.optional || overridden
	do()
	missing.optional = before.optional
	if overridden {
		missing.met = before.met
	}
}

// registries returns what all images are published under.
func (r *resolver) registries(overrides []string) []string {
	var out []string
	first := map[string]string{} // by the normalised name
	for _, l := range r.overridable(r.spec.Registries, overrides) {
		out = append(out, l.value)
		if !l.ok {
			continue
		}
		named, err := reference.ParseNormalizedNamed(l.value + "/image")
		if err != nil {
			hint := `such as "docker.io/example"`
			if scheme, _, found := strings.Cut(l.value, "://"); found {
				hint = "leave out " + scheme + "://"
			}
			r.refuse("registry", l.at, len(overrides) > 0, hint,
				fmt.Sprintf("%q is not a registry and a path that images can be published under", l.value))
			continue
		}
		key := named.Name()
		if other, ok := first[key]; ok {
			problem := fmt.Sprintf("%q is there twice", l.value)
			if other != l.value {
				problem = fmt.Sprintf("%q is the same as %q", l.value, other)
			}
			r.refuse("registry", l.at, len(overrides) > 0, "leave one of them out", problem)
		}
		first[key] = l.value
	}
	return out
}

// tags returns the tags of a list, and reports whether all of them could be expanded.
func (r *resolver) tags(declared []spec.Text, overrides []string) (tags []string, ok bool) {
	ok = true
	seen := map[string]bool{}
	for _, l := range r.overridable(declared, overrides) {
		ok = ok && l.ok
		switch {
		case !l.ok:
		case reference.TagRegexp.FindString(l.value) != l.value || l.value == "":
			r.refuse("tag", l.at, len(overrides) > 0, "use letters, digits, '_', '.' and '-', 128 of them at most, and begin with no '.' or '-'",
				fmt.Sprintf("%q is no tag", l.value))
		case seen[l.value]:
			r.refuse("tag", l.at, len(overrides) > 0, "leave one of them out", fmt.Sprintf("%q is there twice", l.value))
		}
		seen[l.value] = true
		tags = append(tags, l.value)
	}
	return tags, ok
}

// refuse adds an error about a value of a key, or about what overrides it.
func (r *resolver) refuse(key string, at spec.Range, overridden bool, hint, problem string) {
	if overridden {
		r.report.AddError(at, hint, &OverrideError{Key: key, Problem: problem})
		return
	}
	r.report.Add(at, hint, "%s: %s", key, problem)
}

// immutable returns the patterns of tags that are never moved.
func (r *resolver) immutable() []string {
	var out []string
	for _, t := range r.spec.Immutable {
		pattern := r.nonEmpty(t, atBuild, "", "a pattern of immutable tags")
		switch _, err := path.Match(pattern, ""); {
		case strings.Contains(pattern, "/"):
			r.report.Add(t.At, "a pattern is for the tag alone", "immutable: %q matches no tag, because no tag has a slash", pattern)
		case err != nil:
			r.report.Add(t.At, `such as "[0-9]*.[0-9]*"; for the characters themselves, write \[ and \\`, "immutable: %q is no pattern: %v", pattern, err)
		}
		out = append(out, pattern)
	}
	return out
}

// publication fills in what an image is published under, normalised: registry by registry, and in each of them tag by tag. When one of the
// parts is wrong, there is an error about it already and the references mean nothing.
func (r *resolver) publication(f *Family, image *Image, name spec.Text) {
	if !r.checkImageName(name) {
		return
	}
	if image.Unpublished {
		image.Reference = localReference(f, name.Value)
		return
	}
	at, whole := name.At, true
	image.Repository, image.Tags = name.Value, f.Tags
	if t := image.Declared.Repository; t.IsSet() {
		at = t.At
		image.Repository, whole = r.repository(t)
	}
	if own := image.Declared.Tags; len(own) > 0 {
		var (
			tags []string
			ok   bool
		)
		r.unlessOverridden(f.Overrides.Tag, func() { tags, ok = r.tags(own, nil) })
		if !f.Overrides.Tag {
			image.Tags, whole = tags, whole && ok
		}
	}
	if !whole {
		return
	}
	image.References = r.combine(f.Registries, spec.Text{Value: image.Repository, At: at}, image.Tags)
	if len(image.References) > 0 {
		image.Reference = image.References[0]
	}
}

// checkImageName reports whether an image may have a name; if not, there is an error about it.
func (r *resolver) checkImageName(name spec.Text) bool {
	if name.Value != Scratch && imageName.MatchString(name.Value) {
		return true
	}
	hint := "use small letters and digits, and '-', '_' or '.' between them"
	if name.Value == Scratch {
		hint = "from: scratch means no image at all"
	}
	r.report.Add(name.At, hint, "%q is no name for an image", name.Value)
	return false
}

// repository returns the name of an image's repository, and reports whether it is one.
func (r *resolver) repository(t spec.Text) (name string, ok bool) {
	name, ok = r.substitute.expand(t, atBuild)
	if ok && !repository.MatchString(name) {
		r.report.Add(t.At, "the registry comes from the family; use small letters and digits, '-', '_' or '.' between them, and '/' between parts",
			"%q is no name for a repository", name)
		return name, false
	}
	return name, ok
}

// combine returns the references of a repository in all registries, with all tags.
func (r *resolver) combine(registries []string, repository spec.Text, tags []string) []string {
	var out []string
	for _, registry := range registries {
		named, err := reference.ParseNormalizedNamed(registry + "/" + repository.Value)
		if err != nil {
			if _, registryErr := reference.ParseNormalizedNamed(registry + "/image"); registryErr == nil {
				r.report.Add(repository.At, "", "%s/%s is no valid reference: %v", registry, repository.Value, err)
			}
			return nil
		}
		for _, tag := range tags {
			tagged, err := reference.WithTag(named, tag)
			if err != nil || !r.budget.takeText(repository.At, len(tagged.String())) {
				return nil
			}
			out = append(out, tagged.String())
		}
	}
	return out
}

// checkReferences reports two images that would be published under the same reference. What overrides the tags is a problem only of the
// images that are needed.
func (r *resolver) checkReferences(f *Family, images []*Image, needed map[string]bool) {
	taken := map[string]*Image{}
	for _, image := range images {
		if f.Overrides.Tag && !needed[image.Name] {
			continue
		}
		for _, ref := range image.References {
			if other, ok := taken[ref]; ok && other != image { // one image has a reference twice if its tags do, which is reported
				r.refuseReference(f, ref, other, image)
				break
			}
			taken[ref] = image
		}
	}
}

func (r *resolver) refuseReference(f *Family, ref string, first, second *Image) {
	at := second.At
	for _, image := range []*Image{second, first} {
		if image.Declared.Repository.IsSet() {
			at = image.Declared.Repository.At
			break
		}
	}
	problem := fmt.Sprintf("%s and %s would both be published as %s", first.Name, second.Name, ref)
	if f.Overrides.Tag && len(first.Declared.Tags)+len(second.Declared.Tags) > 0 {
		r.report.AddError(at, "publish one of them at a time", &OverrideError{Key: "tag", Problem: problem + ": it takes the place of their own tags"})
		return
	}
	r.report.Add(at, "give one of them other tags, or another repository", "%s", problem)
}

// localReference is what an image that is not published is called where other builders keep their images: no registry has this name.
func localReference(f *Family, image string) string {
	if len(f.Tags) == 0 {
		return "" // there is an error about that
	}
	for _, name := range []string{"localhost/" + f.Name + "/" + image, "localhost/" + image} {
		named, err := reference.ParseNormalizedNamed(name)
		if err != nil {
			continue // the name of a family need not be the part of a repository's
		}
		if tagged, err := reference.WithTag(named, f.Tags[0]); err == nil {
			return tagged.String()
		}
	}
	return ""
}
