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

// A hostsFile is a hosts.toml.
type hostsFile struct {
	name string
	err  error // why it cannot be used; nil if it can
}

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
	if registry == everyOther {
		if len(file.Host) > 0 || file.Server != "" {
			return errors.New("a file for all other registries is not supported: have one for the registry")
		}
		return nil
	}
	if err := checkServer(registry, file.Server); err != nil {
		return err
	}
	found := map[string]Host{}
	var own Host
	if own, err = file.host(dir); err != nil {
		return err
	}
	for _, key := range meta.Keys() { // in the order of the file
		if len(key) != 2 || key[0] != "host" {
			continue
		}
		mirror, h, err := file.Host[key[1]].mirror(dir, key[1])
		if err != nil {
			return fmt.Errorf("host %q: %w", key[1], err)
		}
		host, _, _ := strings.Cut(mirror, "/")
		found[host] = found[host].with(h)
		own.Mirrors = append(own.Mirrors, mirror)
	}
	c.add("https", registry, own)
	for host, h := range found {
		c.add("http", host, Host{PlainHTTP: h.PlainHTTP})
		h.PlainHTTP = false
		c.add("https", host, h)
	}
	return nil
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

// mirror returns a mirror as an engine names it, and how it is reached.
func (e hostEntry) mirror(dir, address string) (string, Host, error) {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", Host{}, errors.New("it is not an address")
	}
	for _, needed := range []string{"pull", "resolve"} {
		if len(e.Capabilities) > 0 && !slices.Contains(e.Capabilities, needed) {
			return "", Host{}, fmt.Errorf("a mirror without the capability %q is not supported", needed)
		}
	}
	// The engine asks for /v2/PATH/REPOSITORY. containerd asks for PATH/v2/REPOSITORY, or for PATH/REPOSITORY if the path is overridden.
	place := strings.Trim(path.Clean("/"+u.Path), "/")
	if e.OverridePath {
		rest, ok := strings.CutPrefix(place+"/", "v2/")
		if !ok {
			return "", Host{}, errors.New("override_path with a path that does not begin with /v2 is not supported")
		}
		place = strings.TrimSuffix(rest, "/")
	} else if place = strings.TrimSuffix(strings.TrimSuffix(place, "v2"), "/"); place != "" {
		return "", Host{}, errors.New("a path before /v2 is not supported: with override_path = true, it can be behind")
	}
	h, err := e.host(dir)
	h.PlainHTTP = u.Scheme == "http"
	return strings.TrimSuffix(u.Host+"/"+place, "/"), h, err
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
	return h, h.readable()
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
