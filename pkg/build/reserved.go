package build

import (
	"context"
	"fmt"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	"github.com/pulpimg/pulpimg/pkg/startup/startscript"
)

// A ReservedError says that something else is where pulpimg puts what containers start with.
type ReservedError struct {
	Path string
	// InStep says that the step puts it there; otherwise the image had it before.
	InStep bool
}

func (e *ReservedError) Error() string {
	if e.InStep {
		return fmt.Sprintf("a file of the step would be at %s, which is for what pulpimg starts containers with: put it somewhere else", e.Path)
	}
	return fmt.Sprintf("the image has a %s already, which pulpimg did not put there and would replace: move it in a run step before, or take another base", e.Path)
}

// checkReserved compares a step, and the entries of the layer that it becomes, with the tree that the step adds to. Package family knows
// the names in the spec, but not the symbolic links on the way there. An image with a contract has been built by pulpimg, so what it
// starts with may be replaced.
func checkReserved(ctx context.Context, tree layer.Tree, step family.Files, entries []layer.Entry) error {
	if !step.Startup {
		for _, e := range entries {
			if family.Reserved(e.Path) {
				return &ReservedError{Path: e.Path, InStep: true}
			}
		}
		return nil
	}
	built, err := layer.Find(ctx, tree, contract.Path)
	if err != nil || built != nil {
		return err
	}
	for _, path := range []string{startscript.Helper, startscript.Path} {
		found, err := layer.Find(ctx, tree, path)
		if err != nil {
			return fmt.Errorf("looking for %s: %w", path, err)
		}
		if found != nil {
			return &ReservedError{Path: path}
		}
	}
	return nil
}
