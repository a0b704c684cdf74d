package family

import (
	"cmp"
	"path/filepath"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Load reads a spec from a file and resolves it. What is wrong with it is a [spec.Errors] with everything that was found; if there is no such
// file, the error is an fs.ErrNotExist.
func Load(file string, opts Options) (*Family, error) {
	read, err := spec.Load(file)
	if read == nil {
		return nil, err
	}
	opts.Dir = cmp.Or(opts.Dir, filepath.Dir(file))
	resolved, resolveErr := Resolve(read, opts)
	if err != nil {
		return nil, spec.Join(err, resolveErr)
	}
	return resolved, resolveErr
}
