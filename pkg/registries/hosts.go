package registries

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// A hostEntry is what hosts.toml says of the registry itself, or of a mirror.
// https://github.com/containerd/containerd/blob/v2.4.2/core/remotes/docker/config/hosts.go (hostFileConfig)
type hostEntry struct {
	Capabilities []string       `toml:"capabilities"`
	CA           any            `toml:"ca"`     // a file, or a list of files
	Client       any            `toml:"client"` // a file, or a list of files or of pairs of files
	SkipVerify   bool           `toml:"skip_verify"`
	Header       map[string]any `toml:"header"`
	OverridePath bool           `toml:"override_path"`
	DialTimeout  string         `toml:"dial_timeout"`
}

// everyOther stands for all registries that have no directory of their own.
const everyOther = "_default"

var errEveryOther = errors.New("settings for all other registries are not supported: have a directory for the registry")

// A mirrorsError reports that the mirrors of a registry cannot be used. The registry itself can.
type mirrorsError struct{ error }

// readHosts reads a hosts.toml. What an engine could not do as containerd does it is an error.
func (c *Config) readHosts(dir, registry, text string) error {
	var file struct {
		hostEntry
		Server string               `toml:"server"`
		Host   map[string]hostEntry `toml:"host"`
	}
	meta, err := toml.Decode(text, &file)
	if err != nil {
		return err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return fmt.Errorf("the key %s is unknown", unknown[0])
	}
	own, err := file.host(dir)
	if err != nil {
		return err
	}
	if registry == everyOther {
		if len(file.Host) > 0 || file.Server != "" || !own.isZero() {
			return errEveryOther
		}
		return nil
	}
	mirrors, err := mirrorsOf(dir, file.Host, meta.Keys())
	if err == nil {
		err = checkServer(registry, file.Server)
	}
	if err != nil {
		add(c.hosts, "https", registry, own)
		return &mirrorsError{err}
	}
	for _, m := range mirrors {
		own.Mirrors = append(own.Mirrors, m.place)
		host, _, _ := strings.Cut(m.place, "/")
		add(c.asMirror, "http", host, Host{PlainHTTP: m.PlainHTTP})
		m.PlainHTTP = false
		add(c.asMirror, "https", host, m.Host)
	}
	add(c.hosts, "https", registry, own)
	return nil
}

// A hostsMirror is a mirror of a hosts.toml.
type hostsMirror struct {
	place string // as an engine names it
	Host         // how it is reached
}

// mirrorsOf returns mirrors in the order of the keys of the file. Those that nothing is pulled from are left out.
func mirrorsOf(dir string, entries map[string]hostEntry, keys []toml.Key) ([]hostsMirror, error) {
	var out []hostsMirror
	seen := map[string]bool{}
	for _, key := range keys {
		if len(key) < 2 || key[0] != "host" || seen[key[1]] {
			continue
		}
		seen[key[1]] = true
		pulls, err := entries[key[1]].pulls()
		if err == nil && !pulls {
			continue
		}
		mirror := hostsMirror{}
		if err == nil {
			mirror, err = entries[key[1]].mirror(dir, key[1])
		}
		if err != nil {
			return nil, fmt.Errorf("host %q: %w", withoutPassword(key[1]), err)
		}
		out = append(out, mirror)
	}
	return out, nil
}

func withoutPassword(address string) string {
	if u, err := url.Parse(address); err == nil {
		return u.Redacted()
	}
	return address
}

// pulls reports whether images are pulled from a mirror.
func (e hostEntry) pulls() (bool, error) {
	can := map[string]bool{}
	for _, name := range e.Capabilities {
		name = strings.ToLower(name)
		if !slices.Contains([]string{"pull", "resolve", "push", "referrers"}, name) {
			return false, fmt.Errorf("the capability %q is unknown", name)
		}
		can[name] = true
	}
	switch {
	case len(can) == 0, can["pull"] && can["resolve"]:
		return true, nil
	case can["pull"], can["resolve"]:
		return false, errors.New("a mirror with only one of the capabilities pull and resolve is not supported")
	}
	return false, nil
}

// checkServer returns an error when a file says that the registry is elsewhere.
func checkServer(registry, server string) error {
	if server == "" {
		return nil
	}
	_, rest, ok := strings.Cut(server, "://")
	if !ok {
		rest = server
	}
	host := CanonicalHost("https", strings.TrimSuffix(strings.TrimSuffix(rest, "/"), "/v2"))
	names := []string{CanonicalHost("https", registry)}
	if registry == "docker.io" {
		names = append(names, "registry-1.docker.io", "index.docker.io")
	}
	if strings.HasPrefix(server, "http://") || !slices.Contains(names, host) {
		return fmt.Errorf("server %q is not the registry itself, which is not supported: a registries.conf can say the same (location)", server)
	}
	return nil
}

// mirror returns a mirror.
func (e hostEntry) mirror(dir, address string) (hostsMirror, error) {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return hostsMirror{}, errors.New("it is not an address of http or https")
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.ContainsAny(u.Path, "?#%") {
		return hostsMirror{}, errors.New("more than a host and a path is not supported")
	}
	// The engine asks for /v2/PATH/REPOSITORY. containerd asks for PATH/v2/REPOSITORY, or for PATH/REPOSITORY if the path is overridden.
	place := strings.Trim(path.Clean("/"+u.Path), "/")
	if e.OverridePath {
		rest, ok := strings.CutPrefix(place+"/", "v2/")
		if !ok {
			return hostsMirror{}, errors.New("override_path with a path that does not begin with /v2 is not supported")
		}
		place = strings.TrimSuffix(rest, "/")
	} else if place = strings.TrimSuffix(strings.TrimSuffix(place, "v2"), "/"); place != "" {
		return hostsMirror{}, errors.New("a path before /v2 is not supported: with override_path = true, it can be behind")
	}
	h, err := e.host(dir)
	h.PlainHTTP = u.Scheme == "http"
	return hostsMirror{strings.TrimSuffix(u.Host+"/"+place, "/"), h}, err
}

// host returns how a host is reached.
func (e hostEntry) host(dir string) (Host, error) {
	if len(e.Header) > 0 || e.DialTimeout != "" {
		return Host{}, errors.New("header and dial_timeout are not supported")
	}
	h := Host{Unverified: e.SkipVerify}
	cas, err := files(dir, "ca", e.CA)
	if err != nil {
		return Host{}, err
	}
	for _, group := range cas {
		h.CAs = append(h.CAs, group...)
	}
	pairs, err := files(dir, "client", e.Client)
	if err != nil {
		return Host{}, err
	}
	for _, group := range pairs {
		switch len(group) {
		case 1:
			h.Pairs = append(h.Pairs, Pair{group[0], group[0]})
		case 2:
			h.Pairs = append(h.Pairs, Pair{group[0], group[1]})
		default:
			return Host{}, errors.New("client: a certificate and its key are one or two files")
		}
	}
	if bad := h.readable(); bad != nil {
		return Host{}, bad
	}
	return h, nil
}

// files reads a file, a list of files, or a list of lists of files.
func files(dir, key string, value any) ([][]string, error) {
	switch v := value.(type) {
	case nil:
		return nil, nil
	case string:
		if !filepath.IsAbs(v) {
			v = filepath.Join(dir, v)
		}
		return [][]string{{v}}, nil
	case []any:
		var out [][]string
		for _, item := range v {
			groups, err := files(dir, key, item)
			if err != nil {
				return nil, err
			}
			if _, nested := item.([]any); nested {
				groups = [][]string{slices.Concat(groups...)}
			}
			out = append(out, groups...)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s is neither a file nor a list of files", key)
}
