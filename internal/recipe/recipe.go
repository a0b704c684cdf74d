package recipe

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Format is the version of what a recipe says. It changes when the same images would have another recipe: two versions cannot be compared.
const Format = 1

// A Recipe says what the images of a family are made of, for one platform or several. The zero value says nothing, and compares as unknown.
// The places in the spec are known only where it was made, and are not kept.
type Recipe struct {
	format    int
	platforms []platform
	kept      []byte // of another format, as it was read
}

// Sources are what a recipe asks. A digest that is empty is not known, and makes no difference.
type Sources struct {
	// Sum returns the digest of a file of the folder.
	Sum family.Summer
	// Fetch returns the digest of the file of a Fetch step.
	Fetch func(ctx context.Context, image *family.Image, at int) (digest.Digest, error)
	// Base returns the digest of the manifest of an image from outside for a platform.
	Base func(ctx context.Context, reference string, platform ocispec.Platform) (digest.Digest, error)
	// Build is the platform that images with platform: build run on.
	Build ocispec.Platform
}

// Of returns the recipe of the families of some platforms, which are one family resolved for each.
func Of(ctx context.Context, families []*family.Family, all []ocispec.Platform, from Sources) (Recipe, error) {
	r := Recipe{format: Format}
	for i, f := range families {
		b := builder{Sources: from, hider: hider{f.Redact}, family: f, platform: all[i]}
		p := platform{Name: platforms.Format(all[i])}
		for _, image := range f.Images {
			if ctx.Err() != nil {
				return Recipe{}, context.Cause(ctx)
			}
			made, err := b.image(ctx, image)
			if err != nil {
				return Recipe{}, fmt.Errorf("reading what %s is made of: %w", image.Name, err)
			}
			p.Images = append(p.Images, made)
		}
		r.platforms = append(r.platforms, p)
	}
	return r, nil
}

// A document is a recipe as it is kept.
type document struct {
	Format    int        `json:"format"`
	Platforms []platform `json:"platforms"`
}

// Encode returns the recipe as JSON.
func (r Recipe) Encode() ([]byte, error) {
	if r.kept != nil {
		return slices.Clone(r.kept), nil
	}
	return json.Marshal(document{r.format, r.platforms})
}

// Decode reads a recipe. One of a format that this program does not know is no error: it compares as unknown, and is encoded as it is.
func Decode(data []byte) (Recipe, error) {
	var head struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return Recipe{}, fmt.Errorf("reading a recipe: %w", err)
	}
	if head.Format != Format {
		return Recipe{format: head.Format, kept: slices.Clone(data)}, nil
	}
	var d document
	if err := json.Unmarshal(data, &d); err != nil {
		return Recipe{}, fmt.Errorf("reading a recipe: %w", err)
	}
	return Recipe{format: d.Format, platforms: d.Platforms}, nil
}

// A Difference says how an image differs from what it was.
type Difference struct {
	// New says that the old recipe has no such image, and Unknown that what it says is not known to this program. Then there are no changes.
	New, Unknown bool
	// Changes are what differs, the most important first: what changes layers comes before what does not, and otherwise what is in the image first.
	Changes []Change
	// Layers has for each step which layer of the image it made before, counted from the last one, which is 1. It is 0 for a step that made none, or
	// that was not there.
	Layers []int
}

// A Change is one thing that differs.
type Change struct {
	// Step is the index of the step in the image now; -1 for the image itself, and for a step that is no longer there. Title is that of the step.
	Step  int
	Title string
	// Text says what differs, on one line.
	Text string
	// At is the place in the spec now, and zero when what changed is no longer there.
	At spec.Range
	// Content says whether it may change a layer of the image. Otherwise, only the config is another one.
	Content bool
}

// Since returns the images that differ from what they are in an older recipe, by name. An image that only is based on or takes files from one
// that differs is not among them.
func (r Recipe) Since(old Recipe) map[string]Difference {
	out := map[string]Difference{}
	if r.format != Format || old.format != Format {
		for _, p := range r.platforms {
			for _, i := range p.Images {
				out[i.Name] = Difference{Unknown: true}
			}
		}
		return out
	}
	platforms := compared(old.platforms, r.platforms)
	for _, name := range r.names() {
		if d := since(platforms, name); d.New || len(d.Changes) > 0 {
			out[name] = d
		}
	}
	return out
}

// names returns the names of the images, in their order.
func (r Recipe) names() []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range r.platforms {
		for _, i := range p.Images {
			if !seen[i.Name] {
				seen[i.Name], out = true, append(out, i.Name)
			}
		}
	}
	return out
}

// compared returns the platforms that are or were there.
func compared(old, now []platform) []comparer {
	var out []comparer
	before, after := map[string]images{}, map[string]images{}
	for _, p := range old {
		before[p.Name] = imagesOf(p)
	}
	for _, p := range now {
		after[p.Name] = imagesOf(p)
		out = append(out, comparer{p.Name, before[p.Name], after[p.Name]})
	}
	for _, p := range old {
		if _, ok := after[p.Name]; !ok {
			out = append(out, comparer{platform: p.Name, old: before[p.Name]})
		}
	}
	return out
}

// since returns how one image differs, on all platforms.
func since(platforms []comparer, name string) Difference {
	var found merger
	var layers []int
	known := false
	for _, c := range platforms {
		old, now := c.old.byName[name], c.now.byName[name]
		known = known || old != nil
		switch {
		case old != nil && now != nil:
			pairs := align(old.Steps, now.Steps)
			found.add(c.platform, c.image(old, now, pairs))
			layers = layersBefore(old.Steps, now.Steps, pairs)
		case now != nil:
			found.own = append(found.own, Change{Step: -1, Text: "is built for " + visible(c.platform) + " now", At: now.at, Content: true})
		case old != nil:
			found.own = append(found.own, Change{Step: -1, Text: "is no longer built for " + visible(c.platform)})
		}
	}
	if !known {
		return Difference{New: true}
	}
	return Difference{Changes: found.changes(), Layers: layers}
}

// A merger says once what is the same for all platforms.
type merger struct {
	own   []Change // what is said of a platform itself
	order []Change
	on    map[Change][]string
	all   int // how many platforms were compared
}

func (m *merger) add(platform string, changes []Change) {
	if m.on == nil {
		m.on = map[Change][]string{}
	}
	m.all++
	for _, c := range changes {
		if m.on[c] == nil {
			m.order = append(m.order, c)
		}
		if !slices.Contains(m.on[c], platform) {
			m.on[c] = append(m.on[c], platform)
		}
	}
}

// changes returns what was found, the most important first.
func (m *merger) changes() []Change {
	out := m.own
	for _, c := range m.order {
		if on := m.on[c]; len(on) < m.all {
			c.Text += " for " + visible(strings.Join(on, " and "))
		}
		out = append(out, c)
	}
	slices.SortStableFunc(out, byImportance)
	return out
}
