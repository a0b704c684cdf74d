package family

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// An ImageSource is an image that a step takes files from.
type ImageSource struct {
	// Image is the image, when it is one of the family; otherwise it is nil.
	Image *Image
	// Reference is the normalised reference of an image from outside; empty when Image is set.
	Reference string
	// At is where the spec names the image.
	At spec.Range
}

// Name names the image for people.
func (s ImageSource) Name() string {
	if s.Image != nil {
		return s.Image.Name
	}
	return s.Reference
}

// Sources returns the images that the steps of the image take files from, in the order of the steps.
func (i *Image) Sources() []ImageSource {
	var out []ImageSource
	for _, step := range i.Steps {
		for _, source := range SourcesOf(step) {
			if source != nil {
				out = append(out, *source)
			}
		}
	}
	return out
}

// SourcesOf returns the image for each copy from an image or each mount of a step, nil for a mount of something else.
func SourcesOf(step Step) []*ImageSource {
	var out []*ImageSource
	switch s := step.(type) {
	case Files:
		for _, c := range s.Copies {
			out = append(out, &c.Source)
		}
	case Run:
		for _, m := range s.Mounts {
			out = append(out, m.Source)
		}
	}
	return out
}

// Uses returns the images of the family that this one is based on or takes files from, each once.
func (i *Image) Uses() []*Image {
	var out []*Image
	if i.Parent != nil {
		out = append(out, i.Parent)
	}
	for _, s := range i.Sources() {
		if s.Image != nil && !slices.Contains(out, s.Image) {
			out = append(out, s.Image)
		}
	}
	return out
}

// imageTexts returns where an image as declared names other images: its from, and those of its copies and mounts.
func imageTexts(d *spec.Image) []spec.Text {
	out := []spec.Text{d.From}
	for _, s := range d.Steps {
		for _, c := range s.Files {
			if c.Image.IsSet() {
				out = append(out, c.Image)
			}
		}
		if s.Run == nil {
			continue
		}
		for _, m := range s.Run.Mounts {
			if m.Image.IsSet() {
				out = append(out, m.Image)
			}
		}
	}
	return out
}

// A named is the name of an image, as a string of the spec gives it.
type named struct {
	value string
	ok    bool // the variables of the string have values
	at    spec.Range
}

// uses are the names of the images that each image uses, the one that it is based on first.
type uses map[string][]named

// uses returns the images that an image uses.
func (r *resolver) uses(d declaration) []named {
	var out []named
	r.within(d, func() {
		for _, t := range imageTexts(d.image) {
			value, ok := r.substitute.expand(t, atBuild)
			if ok {
				value, ok = r.meant(value, d, t.At)
			}
			out = append(out, named{value, ok, t.At})
		}
	})
	return out
}

// reportCycle reports images that need each other. The cycle is a path from an image back to itself.
func (r *resolver) reportCycle(cycle []string, all uses) {
	based := true
	var at spec.Range
	for i, name := range cycle[:len(cycle)-1] {
		next := slices.IndexFunc(all[name], func(n named) bool { return n.value == cycle[i+1] })
		if next < 0 {
			return // cannot happen: the cycle was found along these names
		}
		based = based && next == 0
		if i == 0 || next > 0 && at == all[cycle[0]][0].at {
			at = all[name][next].at
		}
	}
	path := strings.Join(cycle, " -> ")
	if based {
		r.report.Add(at, "base one of them on an image from outside", "the images are based on each other in a cycle: %s", path)
		return
	}
	r.report.Add(at, "an image can take files only from images that are built without it", "the images need each other in a cycle: %s", path)
}

// source returns the image that a copy or a mount names.
func (r *resolver) source(t spec.Text) ImageSource {
	s := ImageSource{At: t.At}
	index := slices.IndexFunc(r.using, func(n named) bool { return n.at == t.At })
	if index < 0 || !r.using[index].ok {
		return s // there is an error about it already, or the image is not needed
	}
	value := r.using[index].value
	if image, ok := r.resolved[value]; ok {
		s.Image = image
		return s
	}
	if _, ok := r.declared[value]; ok {
		return s // it is in a cycle
	}
	if value == Scratch {
		r.report.Add(t.At, "", "scratch is an image without files")
		return s
	}
	s.Reference = r.base(t, value, r.names)
	return s
}

// pathInSource returns the path of a copy or mount in the image that it takes from.
func (r *resolver) pathInSource(t spec.Text, source ImageSource) string {
	value, ok := r.substitute.expand(t, atBuild)
	if problem := pathProblem(value); ok && problem != "" {
		name := source.Name()
		if name == "" {
			name = "the image"
		}
		r.report.Add(t.At, "write it from the root, /", "%q is no path in %s: it %s", value, name, problem)
	}
	return path.Clean(value)
}

func (r *resolver) copyFromImage(c spec.Copy) Copy {
	to, into := r.destination(c.To, "the destination")
	source := r.source(c.Image)
	r.checkReserved(c.To.At, to)
	patterns, _ := r.excludePatterns(c.Exclude)
	return Copy{
		Source: source, From: r.pathInSource(c.From, source), To: to, Into: into,
		Mode: r.mode(c.Mode), Owner: r.owner(c.Owner), Exclude: patterns, At: c.At,
	}
}

func (c Copy) title() string {
	return fmt.Sprintf("copy %s of %s to %s", c.From, c.Source.Name(), c.To)
}
