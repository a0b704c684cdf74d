package build

import (
	"context"
	"fmt"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// A ReservedError reports that a path for pulpimg's start files is taken by another file.
type ReservedError struct {
	Path string
	// InStep is set when the step would put the file there; otherwise the image has it already.
	InStep bool
}

func (e *ReservedError) Error() string {
	if e.InStep {
		return fmt.Sprintf("a file of the step would be at %s, which is reserved for the files with which pulpimg starts containers: put it somewhere else", e.Path)
	}
	return fmt.Sprintf("the image already has a %s, which pulpimg did not put there and would replace: move it away in a run step before this step, or use another base", e.Path)
}

// checkReserved returns an error when a step, whose layer has the given entries, puts a file at a reserved path of the tree, or would
// replace a file there. Package family checks the paths in the spec, but does not know the symbolic links in an image. An image with a
// contract was built by pulpimg, so its start files may be replaced.
func checkReserved(ctx context.Context, tree layer.Tree, step family.Files, entries []layer.Entry) error {
	if !step.Startup {
		for _, e := range entries {
			if family.Reserved(e.Path) {
				return &ReservedError{Path: e.Path, InStep: true}
			}
		}
		return nil
	}
	built, err := layer.Lookup(ctx, tree, contract.Path)
	if err != nil || built != nil {
		return err
	}
	for _, path := range []string{startscript.Helper, startscript.Path} {
		found, err := layer.Lookup(ctx, tree, path)
		if err != nil {
			return fmt.Errorf("looking for %s: %w", path, err)
		}
		if found != nil {
			return &ReservedError{Path: path}
		}
	}
	return nil
}
