package publish

import (
	"cmp"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// transfer is a blob that has to come into a repository.
type transfer struct {
	item int // the first that needs the blob in the repository
	repo name.Repository
	blob blob
	from []name.Repository // of the same registry, to mount the blob from
	// known is set if the first of them is one of the family, which has the blob when it is the transfer's turn.
	known  bool
	places []place // that are said to have the blob
	// uploads is set if nothing in the registry is said to have the blob, so that its bytes probably have to be sent.
	uploads bool
	// unasked is set if the blob is sent without asking for it.
	unasked bool
}

// plan has all transfers in two waves: after the first, every blob is in some repository of its registry, and the second mounts
// it from there.
type plan struct {
	first, second []transfer
	// held are those that repositories need not be asked for, because they have images with them. They are transfers all the same for a
	// registry that turns out to have lost one of them.
	held []transfer
}

// registryBlob is a blob in a registry.
type registryBlob struct {
	registry name.Registry
	digest   v1.Hash
}

// repoBlob is a blob in a repository.
type repoBlob struct {
	repo   name.Repository
	digest v1.Hash
}

// makePlan plans the transfers of the blobs of all entries that are not present. Blobs can be mounted at once from the repositories of
// entries that are present, or that have the blob in another image, and from their sources.
func makePlan(entries []entry) plan {
	p := planner{
		holdings:  holdingsOf(entries),
		complete:  make(map[registryBlob]name.Repository),
		uploading: make(map[registryBlob]name.Repository),
		settled:   make(map[repoBlob]bool),
	}
	for _, e := range entries {
		if e.present {
			p.addPresent(e)
		}
	}
	for _, e := range entries {
		if !e.present {
			p.addHeld(e)
		}
	}
	for i, e := range entries {
		if !e.present {
			p.addMissing(i, e)
		}
	}
	// The largest blob goes first, so that the end of the upload does not wait for it alone.
	slices.SortStableFunc(p.plan.first, func(a, b transfer) int { return cmp.Compare(b.blob.size, a.blob.size) })
	return p.plan
}

type planner struct {
	holdings
	plan      plan
	complete  map[registryBlob]name.Repository // holds the blob now
	uploading map[registryBlob]name.Repository // holds it after the first wave
	settled   map[repoBlob]bool
}

func (p *planner) addPresent(e entry) {
	for _, b := range e.artifact.blobs {
		p.settled[repoBlob{e.repo(), b.digest}] = true
		p.mountFrom(e.repo(), b)
	}
}

// addHeld notes that blobs of an entry can be mounted from its repository.
func (p *planner) addHeld(e entry) {
	for _, b := range e.artifact.blobs {
		if p.has(e.repo(), b.digest) {
			p.mountFrom(e.repo(), b)
		}
	}
}

func (p *planner) mountFrom(repo name.Repository, b blob) {
	at := registryBlob{repo.Registry, b.digest}
	if _, ok := p.complete[at]; !ok {
		p.complete[at] = repo
	}
}

func (p *planner) addMissing(i int, e entry) {
	for _, b := range e.artifact.blobs {
		if p.settled[repoBlob{e.repo(), b.digest}] {
			continue
		}
		p.settled[repoBlob{e.repo(), b.digest}] = true
		if p.has(e.repo(), b.digest) {
			p.plan.held = append(p.plan.held, transfer{item: i, repo: e.repo(), blob: b, places: p.places[b.digest]})
			continue
		}
		p.add(transfer{item: i, repo: e.repo(), blob: b, unasked: e.lean})
	}
}

func (p *planner) add(t transfer) {
	at := registryBlob{t.repo.Registry, t.blob.digest}
	t.places = p.places[t.blob.digest]
	if from, ok := p.complete[at]; ok {
		t.from, t.known = []name.Repository{from}, true
		p.plan.first = append(p.plan.first, t)
		return
	}
	if from, ok := p.uploading[at]; ok {
		t.from, t.known = []name.Repository{from}, true
		p.plan.second = append(p.plan.second, t)
		return
	}
	p.uploading[at] = t.repo
	t.from = mountable(t.repo, t.places)
	t.uploads = len(t.from) == 0
	p.plan.first = append(p.plan.first, t)
}

// expected is how many bytes are sent if no repository has any blob yet and every mount succeeds.
func (p plan) expected() int64 {
	var n int64
	for _, t := range p.first {
		if t.uploads {
			n += t.blob.size
		}
	}
	return n
}
