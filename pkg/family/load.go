package family

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// ValuesFile is the name of the file beside a spec that gives variables of it values.
const ValuesFile = "pulpimg.vars.yaml"

// Load reads a spec from a file, and the file of values beside it if there is one, and resolves the spec. What is wrong with them is a
// [spec.Errors] with everything that was found; if there is no such spec, the error is an fs.ErrNotExist.
func Load(file string, opts Options) (*Family, error) {
	read, err := spec.Load(file)
	if read == nil {
		return nil, err
	}
	beside, valuesErr := loadBeside(filepath.Join(filepath.Dir(file), ValuesFile))
	if valuesErr != nil {
		return nil, errors.Join(err, valuesErr) // without the values, there is no telling what is wrong otherwise
	}
	opts.Values = slices.Concat(beside, opts.Values)
	if opts.Git == nil {
		opts.Git = gitOf(filepath.Dir(file))
	}
	opts.Dir = cmp.Or(opts.Dir, filepath.Dir(file))
	resolved, resolveErr := Resolve(read, opts)
	if err != nil {
		return nil, spec.Join(err, resolveErr)
	}
	return resolved, resolveErr
}

// loadBeside returns the values of a file, or none if there is no such file. A link that leads nowhere is an error.
func loadBeside(file string) ([]*spec.Values, error) {
	if _, err := os.Lstat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	values, err := spec.LoadValues(file)
	if err != nil {
		return nil, err
	}
	return []*spec.Values{values}, nil
}
