package build

import (
	"context"
	"path/filepath"
	"sync"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/download"
	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/internal/policy"
	"github.com/pulpimg/pulpimg/internal/treeindex"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/publish"
)

// A lookup looks up what is outside, each thing once in a build: what a build begins with counts to its end.
type lookup struct {
	finder   outside.Finder
	patience time.Duration // with registries that say what an image is
	fetcher  download.Fetcher

	mu    sync.Mutex
	found []outside.Image
	bases map[string]*lasting[outside.Image]
	files map[string]*lasting[[]byte]
	// indexes are those of layers, by diff ID.
	indexes map[string]*lasting[*treeindex.Index]
	told    toldRecords
}

// newLookup returns a lookup. One that is not patient asks each registry once: an engine asks again, and says what is wrong.
func (s settings) newLookup(patient bool) (*lookup, error) {
	opts := publish.Options{Keychain: s.Keychain, Registries: s.Registries, Greetings: s.Greetings}
	if !patient {
		opts.Backoff = publish.Backoff{Attempts: 1}
	}
	reader, err := publish.NewReader(opts)
	if err != nil {
		return nil, err
	}
	transport, err := download.Transport(s.Registries)
	patience := lookUpPatience
	if patient {
		patience *= 6
	}
	return &lookup{
		patience: patience,
		fetcher:  download.Fetcher{Transport: transport, Policy: policy.New(s.SourcePolicy), Dir: filepath.Join(s.layers.Blobs().Root(), "downloads")},
		finder:   outside.Finder{Registries: s.Registries, Policy: policy.New(s.SourcePolicy), Reader: reader, Known: s.layers.Blobs()},
		bases:    map[string]*lasting[outside.Image]{},
		files:    map[string]*lasting[[]byte]{},
		indexes:  map[string]*lasting[*treeindex.Index]{},
	}, err
}

// lookUpPatience is how long a registry may take to say what an image is, before an engine asks it.
const lookUpPatience = 10 * time.Second

// A lasting is the value of a function that is called once, and its error.
type lasting[T any] struct {
	mu    sync.Mutex
	done  bool
	value T
	err   error
}

// once returns the value of a name. The first who asks for it calls the function, and the others wait. A call that came to nothing because the
// context of its caller ended does not count: the next who asks calls the function again.
func once[T any](ctx context.Context, mu *sync.Mutex, all map[string]*lasting[T], name string, do func() (T, error)) (T, error) {
	mu.Lock()
	l := all[name]
	if l == nil {
		l = &lasting[T]{}
		all[name] = l
	}
	mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return l.value, l.err
	}
	value, err := do()
	if err == nil || ctx.Err() == nil {
		l.done, l.value, l.err = true, value, err
	}
	return value, err
}

// lookUpBase looks up an image from outside without an engine.
func (s settings) lookUpBase(ctx context.Context, image *family.Image, source *family.ImageSource, reference string, platform ocispec.Platform) (*forecast.Base, error) {
	found, err := once(ctx, &s.lookup.mu, s.lookup.bases, forecast.NameFor(reference, platform), func() (outside.Image, error) {
		ctx, cancel := context.WithTimeout(ctx, s.lookup.patience)
		defer cancel()
		found, err := s.lookup.finder.Find(ctx, reference, platform)
		if err == nil {
			s.lookup.mu.Lock()
			defer s.lookup.mu.Unlock()
			s.lookup.found = append(s.lookup.found, found)
		}
		return found, err
	})
	if err != nil {
		return nil, &BaseError{Image: image, Source: source, Err: err}
	}
	// The engine is asked for what the policy made of the reference. If it applied the policy itself, its errors would not lead to the spec.
	return &forecast.Base{Reference: found.Reference, Manifest: found.Manifest.Digest, Layers: found.Layers, Config: found.Config}, nil
}

// fetch fetches the file of a Fetch step without an engine.
func (s settings) fetch(ctx context.Context, image *family.Image, at int) ([]byte, error) {
	step := image.Steps[at].(family.Fetch)
	name := step.SHA256 + " " + step.URL.Request() + " " + step.URL.Authorization()
	content, err := once(ctx, &s.lookup.mu, s.lookup.files, name, func() ([]byte, error) {
		return s.lookup.fetcher.Get(ctx, step.URL, step.SHA256)
	})
	if err != nil {
		return nil, &StepError{Image: image, At: at, Err: err}
	}
	return content, nil
}
