package engine

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulpimg/pulpimg/internal/cachedir"
)

// home is the embedded engine's directory.
type home string

// homeOf returns the embedded engine's directory below a cache directory. It does not create it.
func homeOf(cacheDir string) (home, error) {
	if cacheDir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("finding a directory for the embedded engine (set XDG_CACHE_HOME or HOME): %w", err)
		}
		cacheDir = filepath.Join(user, "pulpimg")
	}
	// The real path: symbolic links lead elsewhere in the mount namespace of the engine, when they are followed from outside.
	dir, err := cachedir.Check(cacheDir)
	if err != nil {
		return "", err
	}
	return home(filepath.Join(dir, "engine")), nil
}

func (h home) lock() string    { return filepath.Join(string(h), "lock") }
func (h home) users() string   { return filepath.Join(string(h), "users") }
func (h home) running() string { return filepath.Join(string(h), "running.json") }
func (h home) state() string   { return filepath.Join(string(h), "state") }

// content returns the directory with the blobs of a running engine, or nothing. Its name has the name of the engine's snapshotter in it.
func (h home) content() string {
	found, err := filepath.Glob(filepath.Join(h.state(), "runc-*", "content"))
	if err != nil || len(found) != 1 {
		return "" // a state has several after another snapshotter was used
	}
	return found[0]
}

func (h home) config() string  { return filepath.Join(string(h), "buildkitd.toml") }
func (h home) trusted() string { return filepath.Join(string(h), "trusted.pem") }
func (h home) log() string     { return filepath.Join(string(h), "buildkitd.log") }
func (h home) runtime() string { return filepath.Join(string(h), "run") } // in a user namespace
func (h home) socket() string  { return filepath.Join(string(h), "buildkitd.sock") }

// binPrefix begins the name of a folder of unpacked programs.
const binPrefix = "bin-"

// bin returns the folder for the programs of the bundle with this ID.
func (h home) bin(id string) string { return filepath.Join(string(h), binPrefix+id[:16]) }

// check refuses a directory in which another user could replace the programs that this user runs.
func (h home) check() error {
	if _, err := cachedir.Check(filepath.Dir(string(h))); err != nil {
		return err
	}
	return cachedir.CheckOwn(string(h), h.state())
}

// create makes the directory, with access for this user alone: buildkitd's socket serves everybody who can reach it.
func (h home) create() error {
	if err := h.check(); err != nil {
		return err
	}
	if err := os.MkdirAll(string(h), 0o700); err != nil {
		return fmt.Errorf("making the embedded engine's directory: %w", err)
	}
	if err := h.check(); err != nil { // another user may have made a part of it meanwhile
		return err
	}
	if err := os.Chmod(string(h), 0o700); err != nil {
		return fmt.Errorf("closing the embedded engine's directory to other users: %w", err)
	}
	return nil
}
