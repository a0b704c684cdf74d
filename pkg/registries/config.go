package registries

import (
	"crypto/x509"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/google/go-containerregistry/pkg/name"
	"go.podman.io/image/v5/pkg/sysregistriesv2"
)

// Options say what [Load] reads, and what it adds. The zero value stands for the files that the fields name.
type Options struct {
	// PlainHTTP are hosts for which plain HTTP is allowed, each HOST or HOST:PORT as in references.
	PlainHTTP []string
	// Mirrors are asked before those of the files.
	Mirrors []Mirror
	// CAs are files with certificates of authorities, in PEM, that are trusted in addition to those of the system.
	CAs []string
	// Getenv is asked for HOME and XDG_CONFIG_HOME. If it is nil, it is [os.Getenv]. registries.conf is found with the environment of
	// the process.
	Getenv func(string) string
	// Root is the directory that stands for / in the names of the machine's own files, such as those in /etc.
	Root string
}

// A Mirror is a place that has the images of a registry.
type Mirror struct {
	Of string // a registry, HOST or HOST:PORT; or a part of it, HOST/PATH
	At string // HOST[:PORT][/PATH], which stands for Of in references
}

// A Config is what is known about registries. It does not change. The zero value knows nothing.
type Config struct {
	mirrors  []Mirror
	conf     []sysregistriesv2.Registry // of registries.conf
	hosts    map[string]Host            // by canonical names
	asMirror map[string]Host            // how hosts are reached as mirrors of others, in addition to hosts
	problems map[string]problem         // by the canonical names of registries
	cas      []string
	bundle   []byte // what cas hold
}

// A Host is how one host is reached.
type Host struct {
	// PlainHTTP is set if plain HTTP is allowed.
	PlainHTTP bool
	// Unverified is set if certificates are not verified.
	Unverified bool
	// CAs are files with certificates of authorities, in PEM, that are trusted in addition to those of the system.
	CAs []string
	// Pairs are the certificates that this client identifies itself with.
	Pairs []Pair
	// Mirrors are asked before this host by whatever pulls, an engine or this program, each HOST[:PORT][/PATH].
	Mirrors []string
}

// A Pair names the files of a certificate and of its key.
type Pair struct{ Cert, Key string }

// isZero reports whether nothing is special about a host.
func (h Host) isZero() bool {
	return !h.PlainHTTP && !h.Unverified && len(h.CAs)+len(h.Pairs)+len(h.Mirrors) == 0
}

// with returns what two sources say about one host.
func (h Host) with(other Host) Host {
	return Host{
		PlainHTTP:  h.PlainHTTP || other.PlainHTTP,
		Unverified: h.Unverified || other.Unverified,
		CAs:        union(h.CAs, other.CAs),
		Pairs:      union(h.Pairs, other.Pairs),
		Mirrors:    union(h.Mirrors, other.Mirrors),
	}
}

func union[T comparable](a, b []T) []T {
	out := slices.Clone(a)
	for _, item := range b {
		if !slices.Contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}

// A FileError reports that a file about registries cannot be used.
type FileError struct {
	File string
	Err  error
}

func (e *FileError) Error() string { return fmt.Sprintf("reading %s: %v", e.File, e.Err) }

// Unwrap gives what is wrong with the file.
func (e *FileError) Unwrap() error { return e.Err }

// Load reads the files. The error is a [*FileError] for one that cannot be used. A file that is about one registry is not an error before
// this registry is used.
func Load(o Options) (*Config, error) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	c := &Config{
		mirrors: slices.Clone(o.Mirrors), cas: slices.Clone(o.CAs),
		hosts: map[string]Host{}, asMirror: map[string]Host{}, problems: map[string]problem{},
	}
	for _, host := range o.PlainHTTP {
		if _, err := name.NewRegistry(host, name.StrictValidation); err != nil {
			return nil, fmt.Errorf("%q is not HOST or HOST:PORT", host)
		}
		add(c.hosts, "http", host, Host{PlainHTTP: true})
	}
	for _, mirror := range o.Mirrors {
		if err := mirror.Check(); err != nil {
			return nil, err
		}
	}
	if err := c.readCAs(); err != nil {
		return nil, err
	}
	if err := c.readConf(o.Root); err != nil {
		return nil, err
	}
	return c, c.readDirs(o)
}

// add adds what a source says about a host for a scheme.
func add(hosts map[string]Host, scheme, host string, h Host) {
	key := CanonicalHost(scheme, host)
	hosts[key] = hosts[key].with(h)
}

// Host returns how a host, HOST or HOST:PORT, is reached with a scheme, http or https. What is said of it as a mirror does not count: who
// trusts a mirror with copies does not yet trust it with what is published, and with credentials for that.
func (c *Config) Host(scheme, host string) Host { return c.hosts[CanonicalHost(scheme, host)] }

// Hosts returns all hosts with something special about them, also as mirrors, by their names in the form of CanonicalHost.
func (c *Config) Hosts() map[string]Host {
	out := map[string]Host{}
	maps.Copy(out, c.hosts)
	for host, h := range c.asMirror {
		out[host] = out[host].with(h)
	}
	maps.DeleteFunc(out, func(_ string, h Host) bool { return h.isZero() })
	return out
}

// ForPulls returns what is known for somebody who only pulls: what is said of hosts as mirrors counts as well.
func (c *Config) ForPulls() *Config {
	out := *c
	out.hosts = c.Hosts()
	return &out
}

// readCAs reads the additional authorities.
func (c *Config) readCAs() error {
	for _, file := range c.cas {
		data, err := readPEM(file)
		if err != nil {
			return &FileError{file, err}
		}
		c.bundle = append(append(c.bundle, data...), '\n')
	}
	return nil
}

func readPEM(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, bare(err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(data) {
		return nil, errors.New("there is no certificate in it (PEM)")
	}
	return data, nil
}

// bare returns an error of a file without its name.
func bare(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
