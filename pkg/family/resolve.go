package family

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Resolve returns the family that a spec declares. What is wrong with the spec is a spec.Errors.
func Resolve(s *spec.Spec, opts ...Option) (*Family, error) {
	o := newOptions(opts)
	report := spec.NewReport(s.Filename)
	values := variables(s, o.variables, report)
	declared := map[string]bool{}
	for _, v := range s.Environment {
		declared[v.Name.Value] = true
	}
	r := &resolver{
		spec:       s,
		report:     report,
		substitute: substituter{report: report, values: values, env: declared},
		folder:     folder{dir: filepath.Clean(o.dir)},
		assets:     o.assets,
	}
	f := r.family(o)
	if err := report.Err(); err != nil {
		return nil, err
	}
	return f, nil
}

// A resolver resolves one spec.
type resolver struct {
	spec       *spec.Spec
	report     *spec.Report
	substitute substituter
	folder     folder
	assets     assets
	contract   Contract
}

func (r *resolver) family(o options) *Family {
	s := r.spec
	r.contract = Contract{
		Environment: environment(s, r.substitute),
		Settings:    r.settings(),
		Services:    r.services(),
	}
	f := &Family{
		Name:     r.substitute.text(s.Name, atBuild),
		Registry: r.substitute.text(s.Registry, atBuild),
		Tag:      r.substitute.text(s.Tag, atBuild),
		Spec:     s,
		Contract: r.contract,
	}
	if !familyName.MatchString(f.Name) {
		r.report.Add(s.Name.At, "use small letters, digits, '-', '_' and '.'", "%q is no name for a family", f.Name)
	}
	if o.registry != "" {
		f.Registry = o.registry
	}
	if o.tag != "" {
		f.Tag = o.tag
	}
	r.checkPublished(f)
	f.Images = r.images(f)
	return f
}

// checkPublished checks what all references have in common.
func (r *resolver) checkPublished(f *Family) {
	if _, err := reference.ParseNormalizedNamed(f.Registry + "/x"); err != nil || strings.HasSuffix(f.Registry, "/") {
		r.report.Add(r.spec.Registry.At, `such as "docker.io/pulp"`, "%q is nothing that images can be published under", f.Registry)
	}
	if !reference.TagRegexp.MatchString(f.Tag) || reference.TagRegexp.FindString(f.Tag) != f.Tag {
		r.report.Add(r.spec.Tag.At, "use letters, digits, '_', '.' and '-', 128 characters at most", "%q is no tag", f.Tag)
	}
}

// images resolves the images in build order. What cannot be resolved is left out; there is a complaint about it.
func (r *resolver) images(f *Family) []*Image {
	declared := map[string]spec.Named[spec.Image]{}
	var names []string
	for _, i := range r.spec.Images {
		declared[i.Name.Value] = i
		names = append(names, i.Name.Value)
	}
	from := map[string]string{}
	for _, i := range r.spec.Images {
		from[i.Name.Value] = r.substitute.text(i.Value.From, atBuild)
	}
	edges := func(name string) []string {
		if _, ok := declared[from[name]]; ok {
			return []string{from[name]}
		}
		return nil
	}
	if r.circles(names, declared, edges) {
		return nil
	}
	resolved := map[string]*Image{}
	var out []*Image
	for _, name := range ordered(names, edges) {
		image := &Image{Name: name, At: declared[name].Value.At}
		if parent, ok := resolved[from[name]]; ok {
			image.Parent = parent
		} else {
			image.Base = r.base(declared[name].Value.From, from[name], names)
		}
		r.image(image, declared[name], f)
		resolved[name] = image
		out = append(out, image)
	}
	r.checkReferences(out, declared)
	return out
}

// circles complains about images that stand on themselves, each circle once.
func (r *resolver) circles(names []string, declared map[string]spec.Named[spec.Image], edges func(string) []string) bool {
	found := map[string]bool{}
	for _, name := range names {
		if found[name] {
			continue
		}
		if cycle := findCycle(name, edges); cycle != nil {
			for _, member := range cycle {
				found[member] = true
			}
			r.report.Add(declared[name].Value.From.At, "let one of them stand on an image from outside",
				"the images stand on each other in a circle: %s", strings.Join(cycle, " -> "))
		}
	}
	return len(found) > 0
}

// base returns the normalised reference of an image from outside.
func (r *resolver) base(at spec.Text, from string, names []string) string {
	if from == Scratch {
		return Scratch
	}
	if !strings.ContainsAny(from, "/:@.") {
		hint := spec.DidYouMean(from, names)
		if !strings.HasPrefix(hint, "did you mean") {
			hint = "write docker.io/library/" + from + " for an image from outside"
		}
		r.report.Add(at.At, hint, "no image of this family is called %q", from)
		return ""
	}
	named, err := reference.ParseNormalizedNamed(from)
	if err != nil {
		r.report.Add(at.At, `such as "docker.io/library/fedora:20"`, "%q is no valid reference: %v", from, err)
		return ""
	}
	return reference.TagNameOnly(named).String()
}

// checkReferences complains about images that would be published as one.
func (r *resolver) checkReferences(images []*Image, declared map[string]spec.Named[spec.Image]) {
	taken := map[string]string{}
	for _, image := range images {
		named, err := reference.ParseNormalizedNamed(image.Reference)
		if err != nil {
			continue // there is a complaint about a part of it
		}
		normal := reference.TagNameOnly(named).String()
		if other, ok := taken[normal]; ok {
			r.report.Add(declared[image.Name].Name.At, "", "%s and %s would both be published as %s", other, image.Name, normal)
		}
		taken[normal] = image.Name
	}
}

// Image returns the image of a name.
func (f *Family) Image(name string) (*Image, bool) {
	at := slices.IndexFunc(f.Images, func(i *Image) bool { return i.Name == name })
	if at < 0 {
		return nil, false
	}
	return f.Images[at], true
}
