package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// leftovers are the files that an engine leaves when it is killed or when the disk is full, as patterns below its directory. They are of no
// use to later runs, and some of them break every later run:
//
//   - BuildKit continues a half-written blob at the next attempt. It cannot do that if the blob comes from a session, which it reads only
//     forward (https://github.com/moby/buildkit/blob/v0.34.2/util/contentutil/fetcher.go). And if a full disk or a power cut damaged the
//     bytes, BuildKit notices only when the blob is complete, and never removes it.
//   - Other leftovers only take space: directories of containers that ran, programs that were being unpacked, a state that was being
//     removed, and records that buildkitd could not read and put aside.
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
				return fmt.Errorf("removing what an interrupted engine left: %w", err)
			}
		}
	}
	return nil
}

// removeState removes what buildkitd keeps. It renames the directory first: if it is interrupted, the next start must not find half of it.
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
