package family

import (
	"path/filepath"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// Load reads a spec from a file and resolves it. The files that it names are looked for in the directory of the spec. What is wrong with it
// is a [spec.Errors] with everything that was found; if there is no such file, the error is an fs.ErrNotExist.
func Load(file string, opts ...Option) (*Family, error) {
	read, err := spec.Load(file)
	if read == nil {
		return nil, err
	}
	resolved, resolveErr := Resolve(read, append([]Option{WithDir(filepath.Dir(file))}, opts...)...)
	if err != nil {
		return nil, spec.Join(err, resolveErr)
	}
	return resolved, resolveErr
}
