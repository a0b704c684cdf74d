package family

import (
	"io/fs"
	"maps"

	"github.com/pulpimg/pulpimg/assets"
)

type options struct {
	variables map[string]string
	registry  string
	tag       string
	dir       string
	assets    fs.FS
}

// An Option says what a family is resolved with, besides its spec.
type Option func(*options)

func newOptions(opts []Option) options {
	o := options{dir: ".", assets: assets.FS()}
	for _, opt := range opts {
		opt(&o)
	}
	return o
}

// WithVariables sets variables of the spec.
func WithVariables(values map[string]string) Option {
	values = maps.Clone(values)
	return func(o *options) { o.variables = values }
}

// WithRegistry replaces the registry of the spec; the empty string leaves it.
func WithRegistry(registry string) Option { return func(o *options) { o.registry = registry } }

// WithTag replaces the tag of the spec; the empty string leaves it.
func WithTag(tag string) Option { return func(o *options) { o.tag = tag } }

// WithDir sets the directory with the files of the spec. The default is the current directory.
func WithDir(dir string) Option { return func(o *options) { o.dir = dir } }

// WithAssets sets the built-in files: NAME.aug, and helper/pulp-helper-linux-ARCH. The default is those of package assets.
func WithAssets(files fs.FS) Option { return func(o *options) { o.assets = files } }
