package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// leftovers are what an engine leaves that is killed, or finds the disk full, as patterns below its directory. No later run is the better
// for it, and some of it breaks every later run:
//
//   - A half-written blob is what BuildKit continues at the next attempt. From a session it cannot, because it reads that only forward
//     (https://github.com/moby/buildkit/blob/v0.34.2/util/contentutil/fetcher.go), and bytes that a full disk or a power cut spoiled are
//     found out only when the blob is complete, and then never go.
//   - The directories of containers that ran, of programs that were being unpacked, of a state that was being removed, and the records that
//     buildkitd could not read and put aside only take space.
var leftovers = []string{
	"state/*/content/ingest/*",
	"state/*/executor/*",
	"state/*.bak",
	binPrefix + "*" + newSuffix,
	"state" + removedSuffix,
}

const (
	newSuffix     = ".new"     // of what is being made
	removedSuffix = ".removed" // of what is being removed
)

// removeLeftovers removes what an interrupted run left. The caller holds the lock, so nothing runs that could need it.
func (h home) removeLeftovers() error {
	for _, pattern := range leftovers {
		names, err := fs.Glob(os.DirFS(string(h)), pattern)
		if err != nil {
			return err
		}
		for _, name := range names {
			if err := os.RemoveAll(filepath.Join(string(h), name)); err != nil {
				return fmt.Errorf("remove what an interrupted engine left: %w", err)
			}
		}
	}
	return nil
}

// removeState removes what buildkitd keeps. By rename first: an interruption must not leave half of it for the next start to read.
func (h home) removeState() error {
	removed := h.state() + removedSuffix
	if err := os.RemoveAll(removed); err != nil {
		return err
	}
	if err := os.Rename(h.state(), removed); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		removed = h.state()
	}
	return os.RemoveAll(removed)
}
