package build

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/internal/recordset"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A build notes what registries are to be told when its images are published, which may be by another command, and after the spec has changed.

// sharedFormat is the version of a sharedDocument. One of another version is left alone.
const sharedFormat = 1

// sharedType is the media type of the document. It never leaves this machine.
const sharedType = "application/vnd.pulpimg.shared+json"

// A sharedDocument is what registries are to be told of a build.
type sharedDocument struct {
	Format int         `json:"format"`
	Sets   []sharedSet `json:"sets"`
	// Indexes are those that registries have of layers, by diff ID.
	Indexes map[digest.Digest]toldIndex `json:"indexes,omitempty"`
	// Bases are the layers of the bases from outside, each for a platform.
	Bases map[string][]sharedLayer `json:"bases,omitempty"`
}

// A sharedSet is a set of records before it has its indexes.
type sharedSet struct {
	// Image is the published image in whose repositories it is.
	Image    string           `json:"image"`
	Platform ocispec.Platform `json:"platform"`
	Key      digest.Digest    `json:"key"`
	Records  []record.Record  `json:"records"`
	// Checked reports whether the last record but one says that the image has been looked into.
	Checked bool `json:"checked,omitempty"`
	// On are the keys of the sets of other images that it is made on: the one below, and those that it takes files from.
	On []digest.Digest `json:"on,omitempty"`
	// Base names the layers of the base, in Bases.
	Base string `json:"base,omitempty"`
	// From is the repository that told of it, which has it already.
	From string `json:"from,omitempty"`
}

// A sharedLayer is a layer of which registries have the index.
type sharedLayer struct {
	DiffID digest.Digest      `json:"diffID"`
	Blob   ocispec.Descriptor `json:"blob"`
}

// writeShared puts what registries are to be told of a build into the layout.
func (b builder) writeShared(ctx context.Context, seen *forecast.Forecast) (*ocispec.Descriptor, error) {
	document := b.shared(ctx, seen)
	if len(document.Sets) == 0 {
		return nil, nil
	}
	data, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	desc, err := b.into.Blobs().Write(sharedType, data)
	return &desc, err
}

// shared returns what registries are to be told.
func (b builder) shared(ctx context.Context, seen *forecast.Forecast) sharedDocument {
	document := sharedDocument{Format: sharedFormat, Indexes: map[digest.Digest]toldIndex{}, Bases: map[string][]sharedLayer{}}
	c := newChain(b.settings, seen)
	for _, image := range seen.Images {
		records := c.known(ctx, image)
		home := homeOf(b.family, image.Source)
		if home == nil {
			continue
		}
		base := ""
		if image.Below == nil && image.Base != nil {
			base = forecast.NameFor(image.Base.Reference, image.Platform) // an index has other layers for each platform
			document.Bases[base] = nil
			for i, l := range image.Base.Layers {
				document.Bases[base] = append(document.Bases[base], sharedLayer{image.Base.Config.RootFS.DiffIDs[i], l})
			}
		}
		sets := b.setsOf(ctx, seen, image, records)
		for i := range sets {
			sets[i].Image, sets[i].Platform, sets[i].Base = home.Name, image.Platform, base
			document.note(b.lookup, sets[i])
		}
		document.Sets = append(document.Sets, sets...)
	}
	return document
}

// note notes the indexes that registries have of the layers of a set.
func (d *sharedDocument) note(l *lookup, set sharedSet) {
	for _, layer := range d.layersOf(set) {
		if at, ok := l.indexPlace(layer.DiffID); ok {
			d.Indexes[layer.DiffID] = at
		}
	}
}

// layersOf returns the layers of which a set has the indexes: those of the base, and those of its records.
func (d *sharedDocument) layersOf(set sharedSet) []sharedLayer {
	out := append([]sharedLayer{}, d.Bases[set.Base]...)
	blobs, diffIDs := recordset.Set{Records: set.Records}.Blobs()
	for i, blob := range blobs {
		out = append(out, sharedLayer{diffIDs[i], blob})
	}
	return out
}

// setsOf returns the sets of an image: for each key under which others may look for it, with the records up to there. That of the last step that
// makes a layer says, too, that the image has been looked into.
func (b builder) setsOf(ctx context.Context, seen *forecast.Forecast, image *forecast.Image, records []record.Record) []sharedSet {
	var out []sharedSet
	var on []digest.Digest
	n, last := 0, lastMaking(image)
	if image.Below != nil {
		on = b.topOf(on, image.Below)
	}
	for at, step := range image.Steps {
		if !step.Makes || n == len(records) {
			continue
		}
		n++
		for _, source := range family.SourcesOf(image.Source.Steps[at]) {
			if source != nil && source.Image != nil {
				on = b.topOf(on, seen.Image(source.Image, image.Platform))
			}
		}
		if !b.hasSet(image, at) {
			continue
		}
		all := append([]record.Record{}, records[:n]...)
		if at == last {
			all = b.withCheck(ctx, image, all)
		}
		k := records[n-1].Key
		out = append(out, sharedSet{Key: k, Records: all, Checked: len(all) > n, On: slices.Clone(on), From: b.lookup.setFrom(recordset.Set{Key: k, Records: all})})
	}
	return out
}

// withCheck adds the record of the check of an image to those of all of its steps.
func (b builder) withCheck(ctx context.Context, image *forecast.Image, all []record.Record) []record.Record {
	if len(image.Source.Needs) == 0 {
		return all
	}
	own := all[len(all)-1]
	check, ok := b.record(ctx, image.Source, checkOf(image, own.On).Key)
	if !ok {
		return all
	}
	return append(append(all[:len(all)-1:len(all)-1], check), own)
}

// findShared returns the newest build that made some images and has a document; nil if there is none. An image alone may be the same in others.
func findShared(from *layout.Layout, images []layout.Image) (*layout.Build, error) {
	builds, err := from.Builds()
	if err != nil {
		return nil, err
	}
	for _, b := range builds {
		other := func(image layout.Image) bool {
			built, ok := b.Image(image.Name)
			return !ok || built.Descriptor.Digest != image.Descriptor.Digest
		}
		if b.Shared != nil && !slices.ContainsFunc(images, other) {
			return &b, nil
		}
	}
	return nil, nil
}

// readShared reads a document.
func readShared(from *layout.Layout, desc ocispec.Descriptor) (*sharedDocument, error) {
	var document sharedDocument
	if err := from.Blobs().ReadJSON(desc, &document); err != nil {
		return nil, err
	}
	if document.Format != sharedFormat {
		return nil, errors.New("its format is unknown to this version of the program")
	}
	return &document, nil
}
