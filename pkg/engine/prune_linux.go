package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// pruneBins removes the programs that other versions of pulpimg unpacked. That
// none of them runs is certain while the daemon holds the lock.
func (d *daemon) pruneBins(ctx context.Context) (freed int64, err error) {
	others, err := filepath.Glob(filepath.Join(string(d.home), binPrefix+"*"))
	if err != nil {
		return 0, err
	}
	for _, dir := range others {
		if dir == filepath.Dir(d.cmd.Path) {
			continue
		}
		size, err := diskUsage(ctx, dir)
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return freed, fmt.Errorf("remove the programs of another version: %w", err)
		}
		freed += size
	}
	return freed, nil
}
