package publish

import (
	"cmp"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// transfer brings one blob into one repository.
type transfer struct {
	item int // the first that needs the blob there
	repo name.Repository
	blob blob
	from *name.Repository // of the same registry, to mount the blob from
	// leads tells that nobody else brings the blob into the registry, so its bytes are expected to cross the wire.
	leads bool
}

// plan is the way of all blobs in two waves: when the first has arrived, every blob is in some repository of its
// registry, and the second mounts it from there.
type plan struct {
	first, second []transfer
}

// located is a blob of a registry.
type located struct {
	registry name.Registry
	digest   v1.Hash
}

// held is a blob of a repository.
type held struct {
	repo   name.Repository
	digest v1.Hash
}

// makePlan says how the blobs of the entries that are missing come into their repositories. Entries that are
// present are where others can mount from at once. mountFrom names further such repositories.
func makePlan(entries []entry, mountFrom map[v1.Hash]name.Repository) plan {
	p := planner{
		mountFrom: mountFrom,
		complete:  make(map[located]name.Repository),
		leaders:   make(map[located]name.Repository),
		settled:   make(map[held]bool),
	}
	for _, e := range entries {
		if e.present {
			p.addPresent(e)
		}
	}
	for i, e := range entries {
		if !e.present {
			p.addMissing(i, e)
		}
	}
	// The longest first, so that it does not travel alone at the end.
	slices.SortStableFunc(p.plan.first, func(a, b transfer) int { return cmp.Compare(b.blob.size, a.blob.size) })
	return p.plan
}

type planner struct {
	plan      plan
	mountFrom map[v1.Hash]name.Repository
	complete  map[located]name.Repository // holds the blob now
	leaders   map[located]name.Repository // holds it after the first wave
	settled   map[held]bool
}

func (p *planner) addPresent(e entry) {
	for _, b := range e.artifact.blobs {
		p.settled[held{e.repo(), b.digest}] = true
		at := located{e.repo().Registry, b.digest}
		if _, ok := p.complete[at]; !ok {
			p.complete[at] = e.repo()
		}
	}
}

func (p *planner) addMissing(i int, e entry) {
	for _, b := range e.artifact.blobs {
		if p.settled[held{e.repo(), b.digest}] {
			continue
		}
		p.settled[held{e.repo(), b.digest}] = true
		p.add(transfer{item: i, repo: e.repo(), blob: b})
	}
}

func (p *planner) add(t transfer) {
	at := located{t.repo.Registry, t.blob.digest}
	if from, ok := p.complete[at]; ok {
		t.from = &from
		p.plan.first = append(p.plan.first, t)
		return
	}
	if from, ok := p.leaders[at]; ok {
		t.from = &from
		p.plan.second = append(p.plan.second, t)
		return
	}
	p.leaders[at] = t.repo
	t.leads = true
	if from, ok := p.mountFrom[t.blob.digest]; ok && from.RegistryStr() == t.repo.RegistryStr() && from.RepositoryStr() != t.repo.RepositoryStr() {
		t.from = &from
	}
	p.plan.first = append(p.plan.first, t)
}

// expected is how many bytes cross the wire if no repository has anything yet and every mount is granted.
func (p plan) expected() int64 {
	var n int64
	for _, t := range p.first {
		if t.leads {
			n += t.blob.size
		}
	}
	return n
}
