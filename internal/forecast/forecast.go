package forecast

import (
	"context"
	"fmt"
	"time"

	"github.com/containerd/platforms"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// A State says what a build has to do for a step.
type State string

// The states of steps.
const (
	// Same is the state of a step whose result is known, or that makes no layer.
	Same State = "same"
	// Write is the state of a step that adds files, which have to be put into a layer again.
	Write State = "write"
	// Run is the state of a step whose command has to run.
	Run State = "run"
	// MayRun is the state of a step whose command runs or not: it depends on what a command before it makes, or on what an engine still has.
	MayRun State = "may run"
)

// A Cause says why a step is not the Same.
type Cause string

// The causes of states.
const (
	// Unknown: there is no record of such a step. What is new about it shows a comparison with an earlier build.
	Unknown Cause = "unknown"
	// Behind: a command runs before it, in the same image or in one that it takes files from.
	Behind Cause = "behind"
	// Lost: it was made, but its layer is no longer kept, or never was, because no image was published with it.
	Lost Cause = "lost"
	// Rebuilt: it was made on another result of a command before it.
	Rebuilt Cause = "rebuilt"
	// Old: the command used the network, longer ago than the spec allows, or nobody knows when.
	Old Cause = "old"
	// Asked: somebody asked that it runs.
	Asked Cause = "asked"
)

// A Step is what a forecast says of one step.
type Step struct {
	// Key is the key of the step. A step that makes no layer has the key of the step before it.
	Key digest.Digest
	// On tells which results of commands the step is made on, as a record does. It is empty behind a command that runs, because nobody can
	// tell what that makes.
	On    digest.Digest
	State State
	Cause Cause // empty for Same
	// Fresh says that the command runs even if an engine has what it made: that is too old, or nobody knows how old it is.
	Fresh bool
	// Command reports whether the step runs a command, and Makes whether it makes a layer.
	Command, Makes bool
	// Record is what is known of the step, also if its state is not Same; nil if nothing is, or if it makes no layer.
	Record *record.Record
}

// An Image is what a forecast says of an image for one platform.
type Image struct {
	Source   *family.Image
	Platform ocispec.Platform
	// Below is the image of the family that it is based on; nil for none.
	Below *Image
	// Base is the image from outside that it is based on, directly or over others; nil for none.
	Base *Base
	// Steps are those of the image itself.
	Steps []Step
	// Start tells which results of commands the first step is made on, as On of a Step does.
	Start digest.Digest
	// Key and On are those of the last step, here or in the image below, that makes a layer.
	Key, On digest.Digest

	compiled llb.Image
	known    bool
	unknown  bool // a command in it, or below, has no record, or files that it takes from an image have none
	other    bool // files of the spec in it, or below, have no record
}

// State returns the state of the image, which is the state of its step with most work.
func (i *Image) State() State {
	state := Same
	for _, s := range i.Steps {
		if s.State.work() > state.work() {
			state = s.State
		}
	}
	return state
}

// Known reports whether all of its layers are known: the steps here and below are the Same. Compiled returns the image then.
func (i *Image) Known() bool { return i.known }

// Compiled returns the image as it is compiled, with those of its layers that are known.
func (i *Image) Compiled() llb.Image { return i.compiled }

func (s State) work() int {
	switch s {
	case Run:
		return 3
	case MayRun:
		return 2
	case Write:
		return 1
	}
	return 0
}

// A Base is an image from outside for one platform.
type Base struct {
	// Reference names the image by digest, at the place where it was found.
	Reference string
	// Manifest is the digest of the manifest for the platform.
	Manifest digest.Digest
	Layers   []ocispec.Descriptor
	Config   dockerspec.DockerOCIImage
}

// Sources are what a forecast asks.
type Sources struct {
	// Base looks up an image from outside. It is asked about several at once.
	Base func(ctx context.Context, image *family.Image, source *family.ImageSource, reference string, platform ocispec.Platform) (*Base, error)
	// Fetch returns the content of the file of a Fetch step.
	Fetch func(ctx context.Context, image *family.Image, at int) ([]byte, error)
	// Sum returns the digest of a file of the folder.
	Sum family.Summer
	// Record returns what is known of a key of an image, and Holds reports whether the layer of a record is kept.
	Record func(image *family.Image, key digest.Digest) (record.Record, bool)
	Holds  func(ctx context.Context, r record.Record) bool
	// Options are those with which a family is compiled for a platform.
	Options func(f *family.Family, platform ocispec.Platform) llb.Options
	// Fresh has every command run, whatever is known.
	Fresh bool
	// Refresh has every command run that used the network.
	Refresh bool
	// Now is the time, to tell how old what commands got from the network is.
	Now time.Time
}

// A Forecast says of the images of a family, for each platform, what a build has to do.
type Forecast struct {
	// Images are in build order, the platforms of an image side by side.
	Images []*Image

	byName map[string]*Image
	bases  bases
	wanted wanted
}

// New makes the forecast for the families of some platforms, which are one family resolved for each.
func New(ctx context.Context, families []*family.Family, all []ocispec.Platform, from Sources) (*Forecast, error) {
	bases, err := lookUpBases(ctx, families, all, from)
	if err != nil {
		return nil, err
	}
	// A step that takes from a builder wants its layers. If they are lost, the builder may run, and what it takes from itself is wanted, too. The
	// wanted images only get more, so this ends.
	wanted := publishedOf(families, all)
	for {
		f := &Forecast{byName: map[string]*Image{}, bases: bases, wanted: wanted}
		byPlatform := make([][]*Image, len(all))
		for i, platform := range all {
			w := walker{Sources: from, options: from.Options(families[i], platform), platform: platform, bases: bases, wanted: wanted, done: f.byName}
			if byPlatform[i], err = w.family(ctx, families[i]); err != nil {
				return nil, err
			}
		}
		for n := range families[0].Images {
			for i := range all {
				f.Images = append(f.Images, byPlatform[i][n])
			}
		}
		if !f.want() {
			return f, nil
		}
	}
}

// Image returns what is said of an image for a platform.
func (f *Forecast) Image(image *family.Image, platform ocispec.Platform) *Image {
	return f.byName[NameFor(image.Name, platform)]
}

// Base returns the image from outside of a reference for a platform; nil if the family needs none of it.
func (f *Forecast) Base(reference string, platform ocispec.Platform) *Base {
	return f.bases[NameFor(reference, platform)]
}

// Wanted reports whether the layers of an image have to be there, because it is published, or because something is made of it.
func (f *Forecast) Wanted(image *family.Image, platform ocispec.Platform) bool {
	return f.wanted[NameFor(image.Name, platform)]
}

// NeedsEngine reports whether a command has to run, or may have to.
func (f *Forecast) NeedsEngine() bool {
	for _, image := range f.Images {
		if image.NeedsEngine() {
			return true
		}
	}
	return false
}

// NeedsEngine reports whether a command of the image itself has to run, or may have to.
func (i *Image) NeedsEngine() bool { return i.State().work() >= MayRun.work() }

// Name names the image for its platform, as [NameFor] does.
func (i *Image) Name() string { return NameFor(i.Source.Name, i.Platform) }

// NameFor names something, such as an image or a reference, for one platform.
func NameFor(name string, platform ocispec.Platform) string {
	return name + "@" + platforms.Format(platform)
}

// wanted are the images whose layers have to be there.
type wanted map[string]bool

// add adds an image and those that it is based on. It reports whether one of them is new.
func (w wanted) add(image *family.Image, platform ocispec.Platform) (added bool) {
	for ; image != nil; image = image.Parent {
		if name := NameFor(image.Name, platform); !w[name] {
			w[name], added = true, true
		}
	}
	return added
}

// publishedOf returns the images whose layers have to be there in any case.
func publishedOf(families []*family.Family, all []ocispec.Platform) wanted {
	w := wanted{}
	for i, f := range families {
		for _, image := range f.Published() {
			w.add(image, all[i])
		}
	}
	return w
}

// want adds to the images whose layers have to be there those that a step takes files from again. It reports whether it added any.
func (f *Forecast) want() (added bool) {
	add := func(image *family.Image, platform ocispec.Platform) { added = f.wanted.add(image, platform) || added }
	for _, image := range f.Images {
		for at, step := range image.Steps {
			if step.State == Same {
				continue
			}
			for _, source := range family.SourcesOf(image.Source.Steps[at]) {
				if source != nil && source.Image != nil {
					add(source.Image, image.Platform)
				}
			}
			if step.State != Write { // the command runs on what is below
				add(image.Source, image.Platform)
			}
		}
	}
	return added
}

// missing returns the error for a family that is not sorted.
func missing(name string) error { return fmt.Errorf("%s comes before what it is made of", name) }
