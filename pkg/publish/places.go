package publish

import (
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// A place is a repository that is said to have a layer.
type place struct {
	text  string // what it is called in errors
	repo  name.Repository
	image v1.Hash // that has the layer there
	err   error   // why it cannot be asked
}

// places has those of layers, in the order in which they are tried.
type places map[v1.Hash][]place

// add adds the places that sources name. A reference that cannot be parsed is said to be one when it is the turn of its place.
func (p places) add(sources []layout.Source) {
	for _, source := range sources {
		at := make([]place, len(source.References))
		for i, text := range source.References {
			reference, err := name.NewDigest(text)
			at[i] = place{text: text, err: err}
			if err == nil {
				at[i].repo = reference.Context()
				at[i].image, err = v1.NewHash(reference.DigestStr())
				at[i].err = err
			}
		}
		for d := range source.Layers {
			hash, err := v1.NewHash(d.String())
			if err != nil {
				continue // no layer has it
			}
			for _, one := range at {
				if !slices.ContainsFunc(p[hash], func(known place) bool { return known.text == one.text }) {
					p[hash] = append(p[hash], one)
				}
			}
		}
	}
}

// placesOf returns the places that the items name.
func placesOf(entries []entry) places {
	p := make(places)
	for _, e := range entries {
		p.add(e.item.Sources)
	}
	return p
}

// mountable returns the repositories of places that a repository can mount from.
func mountable(into name.Repository, all []place) []name.Repository {
	var out []name.Repository
	for _, at := range all {
		if at.err == nil && at.repo.RegistryStr() == into.RegistryStr() && at.repo.RepositoryStr() != into.RepositoryStr() &&
			!slices.ContainsFunc(out, func(r name.Repository) bool { return r.RepositoryStr() == at.repo.RepositoryStr() }) {
			out = append(out, at.repo)
		}
	}
	return out
}
