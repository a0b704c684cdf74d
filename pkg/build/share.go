package build

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/record"
	"github.com/pulpimg/pulpimg/internal/recordset"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// Share tells the repositories of published images of a layout how they were made, so that other machines need not make them again. It belongs
// behind [publish.Images], and does nothing for what was told before, or for a family that says so.
//
// Of two machines that made something of the same key, the one that told of it first is right: this one forgets what it made itself, and the
// next build takes what the registry has. What a command made that ran again, because it was to, replaces what is there, and so does what is made
// on it. A set of a format that
// this program does not know stays as it is; one that is damaged is replaced.
//
// An error says what could not be told. It makes no image wrong: other machines take longer.
func Share(ctx context.Context, f *family.Family, from *layout.Layout, images []layout.Image, cache Cache, opts publish.Options) error {
	return share(ctx, f, from, images, cache, opts, minIndexed)
}

// share tells the repositories, with the indexes of layers that have a size or more.
func share(ctx context.Context, f *family.Family, from *layout.Layout, images []layout.Image, cache Cache, opts publish.Options, indexed int64) error {
	if len(images) == 0 || f.Records.None() {
		return nil
	}
	built, err := findShared(from, images)
	if err != nil || built == nil {
		return err
	}
	known := readNotes(from, built.Shared.Digest)
	if known.all(f.Records, images) {
		return nil
	}
	document, err := readShared(from, *built.Shared)
	if err != nil {
		return fmt.Errorf("reading what there is to tell the registry: %w", err)
	}
	layers, err := cache.layers()
	if err != nil {
		return err
	}
	writer, err := publish.NewWriter(opts)
	if err != nil {
		return err
	}
	s := sharing{
		where: f.Records, document: document, built: built.Time, from: from, images: images, opts: opts, notes: known,
		root: layers.Blobs().Root(), records: record.In(layers.Blobs().Root()), lookup: &lookup{}, packer: newPacker(from, layers, document.Indexes),
		asked: map[string]*lasting[bool]{}, writer: writer, indexed: indexed,
	}
	s.lookup.finder.Reader = &writer.Reader
	return s.run(ctx)
}

// A sharing tells registries what they are to be told.
type sharing struct {
	where    family.Records
	document *sharedDocument
	built    time.Time
	from     *layout.Layout
	images   []layout.Image
	opts     publish.Options
	root     string // of what this machine knows
	records  record.Store
	lookup   *lookup
	writer   *publish.Writer
	packer   *packer
	indexed  int64 // the size from which layers have their indexes with them

	all []telling

	mu    sync.Mutex
	asked map[string]*lasting[bool] // by reference: whether the registry has what this machine has
	notes notes
	write []telling
}

// A telling is a set for one repository.
type telling struct {
	sharedSet
	image layout.Image // of the layout, with its sources
	place string       // the repository
}

func (t telling) reference() string { return t.place + ":" + recordset.Tag(t.Key) }

func (s *sharing) run(ctx context.Context) error {
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(maxQueries)
	s.all = s.tellings()
	for _, t := range s.all {
		group.Go(func() error {
			_, err := s.ours(groupCtx, t)
			return err
		})
	}
	err := group.Wait()
	if err == nil {
		err = s.tell(ctx)
	}
	if err == nil && len(s.write) == 0 {
		s.notes.complete(s.where, s.images)
	}
	return errors.Join(err, s.notes.save(s.from))
}

// tellings returns all sets of the images for all of their repositories. Two images of equal steps in one repository have one set there.
func (s *sharing) tellings() []telling {
	byName := map[string]layout.Image{}
	for _, image := range s.images {
		byName[image.Name] = image
	}
	var out []telling
	seen := map[string]bool{}
	for _, set := range s.document.Sets {
		image, ok := byName[set.Image]
		if !ok {
			continue
		}
		for _, place := range placesFor(s.where, image.References) {
			if t := (telling{set, image, place}); !seen[t.reference()] {
				seen[t.reference()] = true
				out = append(out, t)
			}
		}
	}
	return out
}

// ours reports whether a repository has a set of this machine under its key, or will have. It asks only once.
func (s *sharing) ours(ctx context.Context, t telling) (bool, error) {
	s.mu.Lock()
	state := s.notes.state(t)
	s.mu.Unlock()
	switch {
	case t.From == t.place && !s.notes.Removed.After(s.built), state == noteConfirmed:
		return true, nil
	case state == noteOther:
		return false, nil
	}
	return once(ctx, &s.mu, s.asked, t.reference(), func() (bool, error) {
		ours, err := s.isStill(ctx, t, state)
		if err == nil && !ours {
			ours, err = s.ask(ctx, t)
		}
		if err != nil {
			err = fmt.Errorf("asking for %s: %w", t.reference(), err)
		}
		return ours, err
	})
}

// isStill reports whether a repository has what the last publication wrote, by its digest alone.
func (s *sharing) isStill(ctx context.Context, t telling, state noteState) (bool, error) {
	sent, ok := state.sent()
	if !ok {
		return false, nil
	}
	got, err := s.writer.TagDigest(ctx, t.reference())
	var missing *publish.NotFoundError
	if errors.As(err, &missing) {
		return false, nil
	}
	if err != nil || got != sent {
		return false, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notes.set(t, noteConfirmed)
	return true, nil
}

// ask asks what a repository has under the key of a set, and decides what to do.
func (s *sharing) ask(ctx context.Context, t telling) (ours bool, err error) {
	there, err := s.lookup.readSet(ctx, t.place, t.Key)
	var (
		missing    *publish.NotFoundError
		damaged    *recordset.DamagedError
		foreign    *recordset.ForeignError
		unreadable *UnreadableError
		other      *publish.ContentError
	)
	set := recordset.Set{Key: t.Key, Records: t.Records}
	replace := false
	switch {
	case errors.As(err, &missing), errors.As(err, &damaged), errors.As(err, &foreign), errors.As(err, &unreadable), errors.As(err, &other):
		replace = true
	case errors.Is(err, recordset.ErrFormat):
	case err != nil:
		return false, err
	case set.Equal(there.Set):
		ours = true
	case set.Refreshed(there.Set):
		replace = true
	case t.onOther(there.Set):
		if replace, err = s.standsOnOurs(ctx, t); err != nil {
			return false, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case replace:
		s.write = append(s.write, t)
	case ours:
		s.notes.set(t, noteConfirmed)
	default:
		s.notes.set(t, noteOther)
		return false, s.forget(t, there.Set)
	}
	return true, nil
}

// onOther reports whether a set is not equal to another one because what it is made on has been made another time.
func (t telling) onOther(there recordset.Set) bool {
	for at, r := range t.Records {
		if t.Checked && at == len(t.Records)-2 {
			continue
		}
		other := slices.IndexFunc(there.Records, func(o record.Record) bool { return o.Key == r.Key })
		if other < 0 || there.Records[other].On != r.On {
			return true
		}
		if !there.Records[other].Equal(r) {
			return false
		}
	}
	return false
}

// standsOnOurs reports whether the registry has, or will have, what this machine made of everything that a set is made on. Then what the registry
// has of the set itself is made on something that is no longer there, and nobody takes it.
func (s *sharing) standsOnOurs(ctx context.Context, t telling) (bool, error) {
	for _, key := range t.On {
		at := slices.IndexFunc(s.all, func(below telling) bool { return below.Key == key && registryOf(below.place) == registryOf(t.place) })
		if at < 0 {
			return false, nil
		}
		if ours, err := s.ours(ctx, s.all[at]); err != nil || !ours {
			return false, err
		}
	}
	return len(t.On) > 0, nil
}

// forget forgets those records of this machine that say something else than those of the registry.
func (s *sharing) forget(t telling, theirs recordset.Set) error {
	for _, store := range []record.Store{s.records, toldBy(s.root, placesFor(s.where, t.image.References))} {
		for _, r := range t.Records {
			own, ok := store.Get(r.Key)
			other := func(r record.Record) bool { return r.Key == own.Key && !r.Equal(own) }
			if !ok || !slices.ContainsFunc(theirs.Records, other) {
				continue
			}
			if err := store.Remove(r.Key); err != nil {
				return err
			}
		}
	}
	return nil
}

// tell writes the sets that are to be written.
func (s *sharing) tell(ctx context.Context) error {
	images := make([]packedSet, len(s.write))
	for i, t := range s.write {
		var err error
		if images[i], err = s.pack(ctx, t); err != nil {
			return fmt.Errorf("writing the records of %s: %w", t.Image, err)
		}
	}
	items, err := s.put(ctx, images)
	if err != nil {
		return err
	}
	if len(items) > 0 {
		opts := s.opts
		opts.Immutable = nil // tags of keys move only when a command ran again
		if _, err := publish.Publish(ctx, items, opts); err != nil {
			return err
		}
	}
	for _, set := range images {
		s.notes.set(set.telling, noteSent+noteState(" "+digest.FromBytes(set.encoded.Manifest).String()))
	}
	return nil
}

// put writes those sets that consist of layers of the image that was published, and returns the others as items. One that cannot be written
// so is among them: publishing finds out what is missing.
func (s *sharing) put(ctx context.Context, sets []packedSet) ([]publish.Item, error) {
	var (
		mu    sync.Mutex
		items []publish.Item
	)
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(maxQueries)
	for _, set := range sets {
		group.Go(func() error {
			if set.complete && s.writer.Put(groupCtx, set.reference(), set.encoded.Manifest, set.encoded.Config) == nil {
				return nil
			}
			item, err := s.item(set)
			mu.Lock()
			defer mu.Unlock()
			items = append(items, item)
			return err
		})
	}
	err := group.Wait()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return items, err
}

// A packedSet is a set as an image.
type packedSet struct {
	telling
	encoded  recordset.Encoded
	sources  []layout.Source // where its layers are
	complete bool            // the repository has all of its layers
}

// item returns a set as something to publish.
func (s *sharing) item(set packedSet) (publish.Item, error) {
	tag, err := name.NewTag(set.reference())
	if err != nil {
		return publish.Item{}, err
	}
	content, err := s.packer.image(set.encoded)
	return publish.Item{Name: "records of " + set.Image, Reference: tag, Content: content, Sources: set.sources}, err
}

// minIndexed is the size of a compressed layer, in bytes, from which its index goes along: a smaller one is read as fast as an index.
const minIndexed = 256 << 10

// pack returns a set as an image, with the indexes of its layers.
func (s *sharing) pack(ctx context.Context, t telling) (packedSet, error) {
	out := packedSet{telling: t, sources: slices.Clone(t.image.Sources)}
	set := recordset.Set{Key: t.Key, Records: t.Records, Indexes: map[digest.Digest]recordset.Index{}}
	for _, l := range s.document.layersOf(t.sharedSet) {
		if l.Blob.Size < s.indexed {
			continue
		}
		index, at, ok, err := s.packer.index(ctx, l)
		if err != nil {
			return out, err
		}
		if !ok {
			continue
		}
		set.Indexes[l.DiffID] = index
		if at != "" {
			out.sources = append(out.sources, layout.Source{References: []string{at}, Layers: map[digest.Digest]int64{index.Blob.Digest: index.Blob.Size}})
		}
	}
	out.sources = append(out.sources, t.source())
	blobs, _ := set.Blobs()
	out.complete = len(blobs) > 0 && len(set.Indexes) == 0 && slices.Contains(repositoriesOf(t.image.References), t.place)
	var err error
	out.encoded, err = set.Encode(t.Platform)
	return out, err
}

// source says that the layers of the records are with the image that was published.
func (t telling) source() layout.Source {
	s := layout.Source{Layers: map[digest.Digest]int64{}}
	for _, reference := range t.image.References {
		if at, err := publish.AtDigest(reference, t.image.Descriptor.Digest); err == nil && !slices.Contains(s.References, at) {
			s.References = append(s.References, at)
		}
	}
	blobs, _ := recordset.Set{Records: t.Records}.Blobs()
	for _, blob := range blobs {
		s.Layers[blob.Digest] = blob.Size
	}
	return s
}
