package family

import (
	"cmp"
	"io/fs"

	"github.com/pulpimg/pulpimg/assets"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Options are what a family is resolved with, besides its spec. The zero value takes everything from the spec.
type Options struct {
	// Variables are values of variables of the spec, by name. They come before those of Environ, these before those of Values, and these
	// before the defaults of the spec.
	Variables map[string]string
	// Environ has the form of [os.Environ]. What begins with [EnvironPrefix] and is not empty gives a variable of the spec a value.
	Environ []string
	// Values are values that files give. A later file comes before an earlier one; [Load] puts the file beside the spec first.
	Values []*spec.Values
	// Images are the names of the images to resolve, with those that they are based on. If there are none, all of them are. The others
	// are checked all the same, but variables that only they use need no value.
	Images []string
	// Registries replace those of the spec, unless there are none.
	Registries []string
	// Tags replace those of the spec and of each image, unless there are none.
	Tags []string
	// Git returns what git says of the repository that the spec is in: the fact that the variable of the spec `git.FACT` stands for. It is asked
	// when something needs that, more than once for families of several targets. An error that is an [fs.ErrNotExist] says that there is no
	// such fact; then, a default in the spec counts. If it is nil, git is run in the directory of the spec, which for [Resolve] is Dir.
	Git func(fact string) (string, error)
	// Target is what `${{ target.os }}` and the like stand for. The zero value is Linux on the architecture of this machine.
	Target Target
	// Dir is the directory with the files of the spec. If it is empty, it is that of the spec for [Load], and the current directory for
	// [Resolve].
	Dir string
	// Assets are the built-in files: NAME.aug, and helper/pulp-helper-linux-ARCH. If they are nil, they are those of package assets.
	Assets fs.FS
}

// complete returns the options that [Resolve] works with.
func (o Options) complete() Options {
	o.Dir = cmp.Or(o.Dir, ".")
	o.Target = o.Target.complete()
	if o.Git == nil {
		o.Git = gitOf(o.Dir)
	}
	if o.Assets == nil {
		o.Assets = assets.FS()
	}
	return o
}
