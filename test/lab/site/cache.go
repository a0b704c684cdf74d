package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pulpimg/pulpimg/test/lab/debian"
)

// cache is the folder that a lab keeps between its runs.
type cache struct {
	dir string
	log func(string)
}

// tag marks the folder as one that may be lost, and as ours to remove.
// See https://bford.info/cachedir/.
const tag = "Signature: 8a477f597d28d172789f06886806bc55\n# The offline lab of pulpimg. `lab clean` removes it.\n"

// openCache returns the cache in dir, which is made if it is not there.
func openCache(dir string, log func(string)) (cache, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return cache{}, err
	}
	c := cache{dir, log}
	entries, err := os.ReadDir(dir)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return cache{}, fmt.Errorf("opening the lab's folder: %w", err)
	case len(entries) > 0:
		return c, c.checkOurs()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return cache{}, fmt.Errorf("making the lab's folder: %w", err)
	}
	if err := os.WriteFile(c.path("CACHEDIR.TAG"), []byte(tag), 0o644); err != nil {
		return cache{}, fmt.Errorf("making the lab's folder: %w", err)
	}
	return c, nil
}

// checkOurs tells a folder of ours from one that was named by mistake.
func (c cache) checkOurs() error {
	text, err := os.ReadFile(c.path("CACHEDIR.TAG"))
	if err != nil || string(text) != tag {
		return fmt.Errorf("%s is not a folder of the lab, and not empty: name another one with --dir", c.dir)
	}
	return nil
}

func (c cache) path(elements ...string) string {
	return filepath.Join(append([]string{c.dir}, elements...)...)
}

// lock waits until no other process prepares anything in the cache.
func (c cache) lock(ctx context.Context) (*fileLock, error) {
	lock, err := lockFile(ctx, c.path("lock"), func() { c.log("waiting for another lab that is preparing " + c.dir) })
	if err != nil {
		return nil, fmt.Errorf("locking the lab's folder: %w", err)
	}
	return lock, nil
}

// item is a part of the cache: a folder, by kind and the key of what it is made of.
type item struct {
	kind, key string
	tools     []debian.Tool // of the host, to make it with
	// make makes the folder result; it may leave other files in scratch.
	make func(ctx context.Context, scratch, result string) error
}

func (c cache) has(i item) bool {
	_, err := os.Stat(c.path(i.kind, i.key))
	return err == nil
}

// add makes the item and puts it into the cache, all of it or nothing. The
// caller holds the lock.
func (c cache) add(ctx context.Context, i item) error {
	scratch := c.path(i.kind, "unfinished")
	// A killed process may have left it.
	if err := os.RemoveAll(scratch); err != nil {
		return err
	}
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return err
	}
	defer os.RemoveAll(scratch)
	result := filepath.Join(scratch, "result")
	if err := i.make(ctx, scratch, result); err != nil {
		return err
	}
	return os.Rename(result, c.path(i.kind, i.key))
}

// Clean removes the lab's folder. It refuses while a lab uses it.
func Clean(ctx context.Context, dir string, log func(string)) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	c, err := openCache(dir, log)
	if err != nil {
		return err
	}
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.unlock()
	slots, err := filepath.Glob(c.path("run", "*", "lock"))
	if err != nil {
		return err
	}
	for _, name := range slots {
		running, err := tryLockFile(name)
		if err != nil {
			return fmt.Errorf("a lab is running in %s: end it first: %w", c.dir, err)
		}
		defer running.unlock()
	}
	return os.RemoveAll(c.dir)
}
