package family

import (
	"cmp"
	"io/fs"

	"github.com/pulpimg/pulpimg/assets"
)

// Options are what a family is resolved with, besides its spec. The zero value takes everything from the spec.
type Options struct {
	// Variables are values of variables of the spec, by name. The others have their defaults.
	Variables map[string]string
	// Registry replaces the registry of the spec, unless it is empty.
	Registry string
	// Tag replaces the tag of the spec, unless it is empty.
	Tag string
	// Dir is the directory with the files of the spec. If it is empty, it is that of the spec for [Load], and the current directory for
	// [Resolve].
	Dir string
	// Assets are the built-in files: NAME.aug, and helper/pulp-helper-linux-ARCH. If they are nil, they are those of package assets.
	Assets fs.FS
}

// complete returns the options that [Resolve] works with.
func (o Options) complete() Options {
	o.Dir = cmp.Or(o.Dir, ".")
	if o.Assets == nil {
		o.Assets = assets.FS()
	}
	return o
}
