package publish

import (
	"context"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// hub is what Docker Hub is called in references and in files about registries.
const hub = "docker.io"

// An endpoint is a registry, or a mirror of one.
type endpoint struct {
	registry name.Registry
	of       string // the registry that it is a mirror of
}

// A connection is a session that begins when it is needed.
type connection struct {
	turn    chan struct{} // whoever has put something in may change the rest
	session *session
	err     error
}

// each calls a function for the mirrors of a repository's registry, and then for the registry itself, until it succeeds. The error is that of
// the registry.
func (r *Reader) each(ctx context.Context, repo name.Repository, do func(*session, name.Repository) error) error {
	host := repo.RegistryStr()
	if host == name.DefaultRegistry {
		host = hub
	}
	for _, mirror := range r.settings.Registries.Host("https", host).Mirrors {
		there, err := mirrorOf(mirror, repo)
		if err != nil {
			continue // no reference can name it
		}
		of := host
		if there.RegistryStr() == host {
			of = "" // another part of the registry
		}
		err = r.at(ctx, endpoint{there.Registry, of}, there, do)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
	return r.at(ctx, endpoint{registry: repo.Registry}, repo, do)
}

// mirrorOf returns where a mirror, HOST[:PORT][/PATH], has a repository.
func mirrorOf(mirror string, repo name.Repository) (name.Repository, error) {
	host, path, _ := strings.Cut(mirror, "/")
	registry, err := name.NewRegistry(host)
	if err != nil {
		return name.Repository{}, err
	}
	return registry.Repo(path, repo.RepositoryStr()), nil
}

func (r *Reader) at(ctx context.Context, to endpoint, repo name.Repository, do func(*session, name.Repository) error) error {
	s, err := r.session(ctx, to)
	if err != nil {
		return err
	}
	return do(s, repo)
}

// session connects to an endpoint, once.
func (r *Reader) session(ctx context.Context, to endpoint) (*session, error) {
	r.mu.Lock()
	if r.connections == nil {
		r.connections = map[endpoint]*connection{}
	}
	c := r.connections[to]
	if c == nil {
		c = &connection{turn: make(chan struct{}, 1)}
		r.connections[to] = c
	}
	r.mu.Unlock()
	select {
	case c.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-c.turn }()
	if c.session == nil && c.err == nil {
		s, err := connect(ctx, to.registry, r.settings)
		if ctx.Err() != nil {
			return nil, err // it says nothing about the registry
		}
		if s != nil {
			s.namespace = to.of
		}
		c.session, c.err = s, err
	}
	return c.session, c.err
}
