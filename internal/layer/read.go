package layer

import (
	"context"
	"fmt"
	"io/fs"
)

// A Reader is a tree that gives the content of its files.
type Reader interface {
	Tree
	// ReadFile returns the content of a regular file, as far as limit. The path is clean and absolute, and its parents are no symbolic links.
	ReadFile(ctx context.Context, path string, limit int64) ([]byte, error)
}

// ReadFile returns the content of the regular file that a path leads to in a tree. It follows symbolic links, which never lead out of the
// tree. A file that is not there is an fs.ErrNotExist, and one that is larger than limit an error.
func ReadFile(ctx context.Context, tree Tree, name string, limit int64) ([]byte, error) {
	at, info, err := RealPath(ctx, tree, name)
	switch {
	case err != nil:
		return nil, err
	case info == nil:
		return nil, fs.ErrNotExist
	case !info.Mode.IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	data, err := readRegular(ctx, tree, at, limit+1)
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("%s has more than %d KiB", name, limit>>10)
	}
	return data, err
}

func readRegular(ctx context.Context, tree Tree, name string, limit int64) ([]byte, error) {
	r, ok := tree.(Reader)
	if !ok {
		return nil, fmt.Errorf("the content of %s is not known", name)
	}
	return r.ReadFile(ctx, name, limit)
}
