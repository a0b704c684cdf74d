package recordrepo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/recordset"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

const (
	// maxRepositories is how many repositories are read at a time.
	maxRepositories = 4
	// maxReads is how many manifests of one are read at a time.
	maxReads = 8
	// maxDepth bounds the indexes within indexes.
	maxDepth = 4
)

// A Place is a repository of records.
type Place struct {
	// Repository is REGISTRY/REPOSITORY.
	Repository string
	// Images are the repositories whose published images the records are about.
	Images []string
}

// Read reads what repositories have, in the order of the places. One that does not exist has nothing.
func Read(ctx context.Context, from *publish.Reader, places []Place) ([]Repository, error) {
	all := make([]Repository, len(places))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxRepositories)
	for i, at := range places {
		group.Go(func() (err error) {
			all[i], err = readOne(ctx, from, at)
			return err
		})
	}
	return all, group.Wait()
}

func readOne(ctx context.Context, from *publish.Reader, at Place) (Repository, error) {
	r := reading{from: from, used: map[digest.Digest][]int{}}
	out := Repository{Name: at.Repository, Apart: !slices.Contains(at.Images, at.Repository), published: map[digest.Digest]bool{}}
	for i, repository := range append([]string{at.Repository}, at.Images...) {
		if i > 0 && (repository == at.Repository || slices.Contains(at.Images[:i-1], repository)) {
			continue
		}
		tags, err := from.Tags(ctx, repository)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return Repository{}, err
		}
		if err := r.repository(ctx, repository, tags, at); err != nil {
			return Repository{}, err
		}
	}
	slices.SortFunc(r.sets, func(a, b Set) int { return strings.Compare(a.Reference, b.Reference) })
	out.Sets, out.images = r.sets, len(r.images)
	for d := range r.used {
		out.published[d] = true
	}
	for i := range out.Sets {
		r.finish(&out.Sets[i], out.published)
	}
	return out, nil
}

// A reading is what was read so far.
type reading struct {
	from *publish.Reader

	mu     sync.Mutex
	sets   []Set
	images []string                // the names of published images
	used   map[digest.Digest][]int // the images that have a layer or a manifest
}

// repository reads what the tags of a repository point to.
func (r *reading) repository(ctx context.Context, repository string, tags []string, at Place) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(maxReads)
	for _, tag := range tags {
		reference := repository + ":" + tag
		name := tag
		if repository != at.Repository {
			name = reference
		}
		key, ok := recordset.KeyOf(tag)
		switch {
		case ok && repository == at.Repository:
			group.Go(func() error { return r.set(ctx, Set{Reference: reference, Key: key}, name) })
		case !ok && slices.Contains(at.Images, repository):
			group.Go(func() error { return r.image(ctx, reference, name) })
		}
	}
	return group.Wait()
}

// set reads what is under the tag of a set. What no set is counts as an image, whatever its tag.
func (r *reading) set(ctx context.Context, s Set, name string) error {
	data, err := r.from.Tagged(ctx, s.Reference)
	if isMissing(err) {
		return nil // it is gone since
	}
	if err != nil {
		return err
	}
	isManifest := s.read(data)
	r.mu.Lock()
	r.sets = append(r.sets, s)
	r.mu.Unlock()
	if s.State == Foreign && isManifest {
		return r.manifest(ctx, s.Reference, data, r.add(name), 0)
	}
	return nil
}

// read reads the manifest of a set, and reports whether it is a manifest.
func (s *Set) read(data []byte) bool {
	var m ocispec.Manifest
	isManifest := json.Unmarshal(data, &m) == nil
	s.Digest, s.layers = digest.FromBytes(data), m.Layers
	decoded, _, err := recordset.Decode(data, s.Key)
	switch {
	case m.Annotations[recordset.Annotation] == "":
		s.State, s.Problem = Foreign, "it is something else than records"
		return isManifest
	case errors.Is(err, recordset.ErrFormat):
		s.State, s.Problem = Unknown, err.Error()
		return isManifest
	case err != nil:
		s.State, s.Problem = Damaged, err.Error()
		return isManifest
	}
	s.State, s.hollow = Readable, decoded.Own().Blob == nil
	for _, record := range decoded.Records {
		s.Records++
		if record.Network || !record.Ran.IsZero() {
			s.Commands++
		}
		if record.Ran.After(s.Ran) {
			s.Ran = record.Ran
		}
		if record.Blob != nil {
			s.named = append(s.named, record.Blob.Digest)
		}
	}
	return isManifest
}

// image reads what a tag of published images points to.
func (r *reading) image(ctx context.Context, reference, name string) error {
	data, err := r.from.Tagged(ctx, reference)
	if isMissing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return r.manifest(ctx, reference, data, r.add(name), 0)
}

// add adds a published image, and returns its number.
func (r *reading) add(name string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.images = append(r.images, name)
	return len(r.images) - 1
}

// manifest notes what an image has, or an index with its images. Of an index, a registry need not have every image.
func (r *reading) manifest(ctx context.Context, reference string, data []byte, image, depth int) error {
	var m struct {
		Layers    []ocispec.Descriptor `json:"layers"`
		Manifests []ocispec.Descriptor `json:"manifests"`
	}
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("reading %s: its manifest is none: %w", reference, err)
	}
	r.use(digest.FromBytes(data), image)
	for _, l := range m.Layers {
		r.use(l.Digest, image)
	}
	if len(m.Manifests) > 0 && depth == maxDepth {
		return fmt.Errorf("reading %s: it has indexes in indexes, more than %d deep", reference, maxDepth)
	}
	for _, child := range m.Manifests {
		at, err := publish.AtDigest(reference, child.Digest)
		if err != nil {
			return fmt.Errorf("reading %s: %w", reference, err)
		}
		data, err := r.from.Manifest(ctx, at)
		if isMissing(err) {
			continue
		}
		if err != nil {
			return err
		}
		if err := r.manifest(ctx, at, data, image, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (r *reading) use(d digest.Digest, image int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.used[d], image) {
		r.used[d] = append(r.used[d], image)
	}
}

// finish says of a set what the images have of it.
func (r *reading) finish(s *Set, published map[digest.Digest]bool) {
	if s.State == Readable {
		s.UsedBy = r.users(*s)
	}
	s.Size = sizeWithout(published, *s)
}

// users returns the images that were made as a set says, or that have it under another tag.
func (r *reading) users(s Set) []string {
	names := map[string]bool{}
	for _, image := range r.used[s.Digest] {
		names[r.images[image]] = true
	}
	if len(s.named) > 0 {
		for _, image := range r.used[s.named[0]] {
			if !slices.ContainsFunc(s.named, func(l digest.Digest) bool { return !slices.Contains(r.used[l], image) }) {
				names[r.images[image]] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func isMissing(err error) bool { return errors.As(err, new(*publish.NotFoundError)) }
