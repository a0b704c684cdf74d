//go:build linux

package settings

import (
	"context"
	"errors"
)

// A Writer writes settings files by means of augtool, which it finds in PATH.
type Writer struct {
	// LensDirs are the directories of lenses; the function LensDirs returns those of an image.
	LensDirs []string
}

// Write writes the values into the files: all of them or none. A file keeps its mode, owner, comments and order, and everything else in
// it; one that has the values already is not touched. An error for each file that cannot be written is joined by errors.Join; no
// message shows a secret or any part of a file.
func (w Writer) Write(ctx context.Context, files ...File) error {
	targets, err := w.prepare(ctx, files)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range targets {
		if err := t.stage(); err != nil {
			errs = append(errs, explain(t.name, err))
		}
		defer t.discard()
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	for i, t := range targets {
		if err := t.commit(); err != nil {
			errs = append(errs, explain(t.name, err))
			for _, done := range targets[:i] {
				if err := done.revert(); err != nil {
					errs = append(errs, explain(done.name, err))
				}
			}
			return errors.Join(errs...)
		}
	}
	return nil
}

// prepare works out the new content of each file. Two of the settings may be for the same file.
func (w Writer) prepare(ctx context.Context, files []File) ([]*target, error) {
	var (
		targets []*target
		errs    []error
		byPath  = map[string]*target{}
	)
	for _, f := range files {
		t, err := load(f.path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if known := byPath[t.path]; known != nil {
			t = known
		} else {
			byPath[t.path] = t
			targets = append(targets, t)
		}
		edited, err := w.edit(ctx, t.new, f)
		switch {
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case err != nil:
			errs = append(errs, err)
		default:
			t.new = edited
		}
	}
	return targets, errors.Join(errs...)
}
