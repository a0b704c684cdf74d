package registries

import (
	"fmt"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"go.podman.io/image/v5/pkg/sysregistriesv2"
	"go.podman.io/image/v5/types"
)

// readConf reads registries.conf and what belongs to it. Its library knows where they are and how they are put together.
// https://github.com/containers/image/blob/main/docs/containers-registries.conf.5.md
func (c *Config) readConf(root string) error {
	// It reads the files anew: a program may have changed them, or the environment.
	conf, err := sysregistriesv2.TryUpdatingCache(&types.SystemContext{RootForImplicitAbsolutePaths: root})
	if err != nil {
		return &FileError{"registries.conf", err}
	}
	c.conf = slices.Clone(conf.Registries)
	for _, registry := range c.conf {
		for _, mirror := range registry.Mirrors {
			insecure(c.asMirror, mirror)
		}
		insecure(c.hosts, registry.Endpoint)
	}
	return nil
}

// insecure adds that a host may be anybody, and without TLS, if an endpoint says so.
func insecure(hosts map[string]Host, endpoint sysregistriesv2.Endpoint) {
	host, _, _ := strings.Cut(endpoint.Location, "/")
	if endpoint.Insecure && host != "" {
		add(hosts, "http", host, Host{PlainHTTP: true})
		add(hosts, "https", host, Host{Unverified: true})
	}
}

// find returns the entry of registries.conf for a reference: the one with the longest prefix. The search of the library reads a cache of
// the whole process, which another Load may have changed, and takes example.com:5000 for a part of example.com.
func (c *Config) find(ref reference.Named) *sysregistriesv2.Registry {
	var found *sysregistriesv2.Registry
	for i, registry := range c.conf {
		if !hasPrefix(ref, registry.Prefix) || found != nil && len(found.Prefix) >= len(registry.Prefix) {
			continue
		}
		found = &c.conf[i]
	}
	return found
}

// hasPrefix reports whether a prefix of registries.conf is that of a reference: HOST[:PORT][/PATH], or *.DOMAIN.
func hasPrefix(ref reference.Named, prefix string) bool {
	if domain, ok := strings.CutPrefix(prefix, "*."); ok {
		host, _, _ := strings.Cut(reference.Domain(ref), ":")
		return strings.HasSuffix(host, "."+domain)
	}
	rest, ok := strings.CutPrefix(ref.String(), prefix)
	if !ok {
		return false
	}
	switch {
	case rest == "", rest[0] == '/', rest[0] == '@':
		return true
	}
	return rest[0] == ':' && strings.Contains(prefix, "/") // a tag, and not the port of another registry
}

// A Source is where an image may be pulled from.
type Source struct {
	// Reference names the image there.
	Reference string
	// Mirror is set if it is not the registry of the image itself.
	Mirror bool
}

// A BlockedError reports that registries.conf forbids to pull from a registry.
type BlockedError struct{ Registry string }

func (e *BlockedError) Error() string {
	return fmt.Sprintf("registries.conf blocks %s", e.Registry)
}

// Sources returns where an image is pulled from, in the order in which they are to be asked. That is the image itself if nothing is said
// about its registry. Mirrors of hosts.toml are not among them, as whatever pulls asks these: see [Host].
//
// Errors are a [*BlockedError], a [*FileError] for a file that the registry of the image has and that cannot be used, and a plain error
// for a reference that cannot be read.
func (c *Config) Sources(ref string) ([]Source, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, fmt.Errorf("reading the reference %q: %w", ref, err)
	}
	if found := c.problemOf(reference.Domain(named)); found.err != nil {
		return nil, &FileError{found.file, found.err}
	}
	var out []Source
	for _, mirror := range c.mirrors {
		if hasPrefix(named, mirror.Of) {
			out = append(out, Source{Reference: mirror.At + strings.TrimPrefix(named.String(), mirror.Of), Mirror: true})
		}
	}
	registry := c.find(named)
	if registry == nil {
		return append(out, Source{Reference: ref}), nil
	}
	if registry.Blocked {
		return nil, &BlockedError{Registry: registry.Prefix}
	}
	places, err := registry.PullSourcesFromReference(named)
	if err != nil {
		return nil, &FileError{"registries.conf", err}
	}
	for _, place := range places {
		if place.Endpoint.NamespaceProxy != "" {
			return nil, &FileError{"registries.conf", fmt.Errorf("namespace-proxy of %s is not supported", place.Endpoint.Location)}
		}
		s := Source{Reference: place.Reference.String(), Mirror: true}
		if s.Reference == named.String() {
			s = Source{Reference: ref}
		}
		out = append(out, s)
	}
	return out, nil
}

// problemOf returns what is wrong with the files of a registry.
func (c *Config) problemOf(registry string) problem {
	found, ok := c.problems[CanonicalHost("https", registry)]
	if !ok && c.Host("https", registry).isZero() {
		return c.problems[everyOther]
	}
	return found
}

// Check reports what is wrong with a mirror.
func (m Mirror) Check() error {
	for _, place := range []string{m.Of, m.At} {
		named, err := reference.ParseNamed(place + "/x/x") // with one path alone, docker.io has another name
		if err != nil || strings.Contains(place, "://") || reference.Domain(named) != strings.SplitN(place, "/", 2)[0] {
			return fmt.Errorf("%q is not HOST[:PORT][/PATH]", place)
		}
	}
	return nil
}
