package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/recordset"
	"github.com/pulpimg/pulpimg/internal/treeindex"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// remotePatience is how long registries may take to say what they know of a family. A build that does without only takes longer.
const remotePatience = 15 * time.Second

// askRegistries asks the registries of the family about what this machine does not know and cannot compute. It reports whether it was told
// anything. A registry that does not answer, or that has nothing for this user, is no news; what is wrong in one is a warning.
func (s settings) askRegistries(ctx context.Context, seen *forecast.Forecast) bool {
	if s.NoCache || !s.keepsRecords(s.families[0]) || !s.wantsTelling(seen) {
		return false
	}
	return s.askWithin(ctx, seen, remotePatience)
}

// askWithin asks the registries, which may take as long as a duration.
func (s settings) askWithin(ctx context.Context, seen *forecast.Forecast, patience time.Duration) bool {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	a := asker{settings: s}
	group, groupCtx := errgroup.WithContext(limited)
	group.SetLimit(maxQueries)
	for _, image := range s.unknownImages(seen) {
		group.Go(func() error { a.image(groupCtx, image); return nil })
	}
	_ = group.Wait() // no function has an error
	if ctx.Err() == nil {
		s.warn(a.wrong())
	}
	return a.told
}

// An asker asks the registries of a family.
type asker struct {
	settings

	mu     sync.Mutex
	told   bool // something
	failed []error
}

// wrong returns what is wrong in the registries as one error, or nil.
func (a *asker) wrong() error {
	switch len(a.failed) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("nothing is taken from the records in %w", a.failed[0])
	}
	return fmt.Errorf("nothing is taken from %d records; one of them is %w", len(a.failed), a.failed[0])
}

// wantsTelling reports whether a command has no known result, or files cannot be placed without a look into layers that this machine does not
// have. All other layers are written faster than anybody is asked.
func (s settings) wantsTelling(f *forecast.Forecast) bool {
	indexes := treeindex.OpenStore(s.layers.Blobs().Root())
	for _, image := range f.Images {
		for at, step := range image.Steps {
			if !step.Makes || step.State == forecast.Same || step.Fresh {
				continue
			}
			if isShared(image.Source.Steps[at]) || image.Base != nil && len(unindexed(indexes, image.Base)) > 0 {
				return true
			}
		}
	}
	return false
}

// unindexed returns those layers of a base that a registry may have the index of, and a store has not.
func unindexed(indexes treeindex.Store, base *forecast.Base) []sharedLayer {
	var out []sharedLayer
	for i, l := range base.Layers {
		if diffID := base.Config.RootFS.DiffIDs[i]; l.Size >= minIndexed && !indexes.Has(diffID) {
			out = append(out, sharedLayer{diffID, l})
		}
	}
	return out
}

// unknownImages returns the images with something to do, and the lowest ones that they are based on, of which registries have the indexes of the
// layers of bases.
func (s settings) unknownImages(f *forecast.Forecast) []*forecast.Image {
	var out []*forecast.Image
	add := func(image *forecast.Image) {
		if !slices.Contains(out, image) {
			out = append(out, image)
		}
	}
	for _, image := range f.Images {
		if image.State() == forecast.Same {
			continue
		}
		add(image)
		for image.Below != nil {
			image = image.Below
		}
		add(image)
	}
	return out
}

// image asks about all steps of an image at once or, if nobody knows them all, about those up to one that is known, from the last one down.
func (a *asker) image(ctx context.Context, image *forecast.Image) {
	places := recordPlaces(a.families[0], image.Source)
	keys := a.sharedKeys(image)
	for i := len(keys) - 1; i >= 0 && len(places) > 0; i-- {
		if a.readSet(ctx, places, keys[i]) || ctx.Err() != nil {
			return
		}
	}
}

// readSet reads the set of a key from the first of some repositories that has it. It reports whether it is to be believed.
func (a *asker) readSet(ctx context.Context, places []string, k digest.Digest) bool {
	for _, place := range places {
		set, err := a.lookup.readSet(ctx, place, k)
		a.mu.Lock()
		switch {
		case err == nil:
			a.lookup.believe(set, place)
			a.told = true
		case !isSilence(err) && ctx.Err() == nil:
			a.failed = append(a.failed, fmt.Errorf("%s:%s: %w", place, recordset.Tag(k), err))
		}
		a.mu.Unlock()
		if err == nil || ctx.Err() != nil {
			return err == nil
		}
	}
	return false
}

// isSilence reports whether an error only says that a registry has nothing for this user, or is not there: that is said, where it matters, by
// what comes next.
func isSilence(err error) bool {
	var (
		missing     *publish.NotFoundError
		refused     *publish.CredentialsError
		unreachable *publish.UnreachableError
	)
	return errors.As(err, &missing) || errors.As(err, &refused) || errors.As(err, &unreachable)
}

// readSet reads the set of a key in a repository, and looks whether its layers are there for this user.
func (l *lookup) readSet(ctx context.Context, repository string, k digest.Digest) (toldSet, error) {
	data, err := l.finder.Reader.Tagged(ctx, repository+":"+recordset.Tag(k))
	if err != nil {
		return toldSet{}, err
	}
	set, manifest, err := recordset.Decode(data, k)
	if err != nil {
		return toldSet{}, err
	}
	at, err := publish.AtDigest(repository, digest.FromBytes(data))
	if err != nil {
		return toldSet{}, err
	}
	return toldSet{set, at}, l.check(ctx, at, set, manifest)
}

// check returns an error if a repository does not give this user all layers of a set, or has another config for it.
func (l *lookup) check(ctx context.Context, reference string, set recordset.Set, manifest ocispec.Manifest) error {
	blobs, _ := set.Blobs()
	if len(blobs) == 0 {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		config, err := l.readConfig(ctx, reference, manifest.Config)
		if err != nil {
			return err
		}
		return set.CheckConfig(manifest, config)
	})
	for _, blob := range blobs {
		group.Go(func() error { return l.readableBlob(ctx, reference, blob) })
	}
	return group.Wait()
}

// maxSetConfig bounds the config of a set, which has little more than a digest for each layer.
const maxSetConfig = 1 << 20

func (l *lookup) readConfig(ctx context.Context, reference string, desc ocispec.Descriptor) ([]byte, error) {
	if desc.Digest.Validate() != nil || desc.Size < 0 || desc.Size > maxSetConfig {
		return nil, &recordset.DamagedError{Reason: "it has no config"}
	}
	r, err := l.finder.Reader.Blob(ctx, reference, desc)
	var (
		missing *publish.NotFoundError
		refused *publish.CredentialsError
	)
	if errors.As(err, &missing) || errors.As(err, &refused) {
		return nil, &UnreadableError{Blob: desc.Digest}
	}
	if err != nil {
		return nil, err
	}
	config, err := io.ReadAll(r)
	return config, errors.Join(err, r.Close())
}

func (l *lookup) readableBlob(ctx context.Context, reference string, blob ocispec.Descriptor) error {
	has, err := l.finder.Reader.HasBlob(ctx, reference, blob)
	var refused *publish.CredentialsError
	if err != nil && !errors.As(err, &refused) {
		return err
	}
	if !has {
		return &UnreadableError{Blob: blob.Digest}
	}
	return nil
}

// An UnreadableError reports that a registry has a set of records, but not all of its blobs, or not for this user.
type UnreadableError struct{ Blob digest.Digest }

func (e *UnreadableError) Error() string {
	return fmt.Sprintf("its blob %s is not there, or not for this user", e.Blob)
}

// recordPlaces returns the repositories that have the records of an image, REGISTRY/REPOSITORY, in the order in which they are asked.
func recordPlaces(f *family.Family, image *family.Image) []string {
	home := homeOf(f, image)
	if home == nil {
		return nil
	}
	return placesFor(f.Records, home.References)
}

// placesFor returns the repositories that have the records of an image with some references.
func placesFor(records family.Records, references []string) []string {
	if one := records.Repository(); one != "" {
		return []string{one}
	}
	return repositoriesOf(references)
}

// keepsRecords reports whether the records of a family are in a registry.
func (o Options) keepsRecords(f *family.Family) bool { return !o.NoRecords && !f.Records.None() }

// repositoriesOf returns the repositories of references with a tag, each once.
func repositoriesOf(references []string) []string {
	var out []string
	for _, reference := range references {
		if place := repositoryOf(reference); !slices.Contains(out, place) {
			out = append(out, place)
		}
	}
	return out
}

// A RecordPlace is a repository with the records of a family, REGISTRY/REPOSITORY.
type RecordPlace struct {
	Repository string
	// Images are the repositories of the published images that the records are about.
	Images []string
}

// RecordPlaces returns the repositories that have the records of the images of a family, each once; none, if the family keeps no records.
func RecordPlaces(f *family.Family) []RecordPlace {
	if f.Records.None() {
		return nil
	}
	if one := f.Records.Repository(); one != "" {
		var all []string
		for _, image := range f.Published() {
			all = append(all, image.References...)
		}
		return []RecordPlace{{one, repositoriesOf(all)}}
	}
	var out []RecordPlace
	for _, image := range f.Images {
		for _, place := range recordPlaces(f, image) {
			if !slices.ContainsFunc(out, func(p RecordPlace) bool { return p.Repository == place }) {
				out = append(out, RecordPlace{place, []string{place}})
			}
		}
	}
	return out
}

// homeOf returns the published image in whose repositories the records of an image are: the image itself or, if it is not published, the first
// one that is based on it, or else takes from it. Those that are based on it have its layers.
func homeOf(f *family.Family, image *family.Image) *family.Image {
	if !image.Unpublished {
		return image
	}
	basedOn := func(other *family.Image) bool {
		for on := other; on != nil; on = on.Parent {
			if on.Name == image.Name {
				return true
			}
		}
		return false
	}
	published := f.Published()
	if at := slices.IndexFunc(published, basedOn); at >= 0 {
		return published[at]
	}
	for _, other := range f.Images { // those that need it come after it
		if other.Name != image.Name && slices.ContainsFunc(other.Sources(), func(s family.ImageSource) bool { return s.Image != nil && basedOn(s.Image) }) {
			return homeOf(f, other)
		}
	}
	return nil
}

// repositoryOf returns the repository of a reference with a tag.
func repositoryOf(reference string) string {
	at := strings.LastIndexByte(reference, ':')
	if at < strings.LastIndexByte(reference, '/') {
		return reference
	}
	return reference[:at]
}
