package layout

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// unfinished is the directory of unfinished blobs. Each writer has a claim in it: a directory with a lock that ends with the process. The
// lock shows whether a process is still writing, or was interrupted.
const unfinished = "unfinished"

// ingest is the directory of unfinished blobs of containerd's store, which has no locks between processes.
const ingest = "ingest"

// settling is how old a claim must be before it can count as left behind: a process creates its claim a moment before it locks it.
const settling = time.Minute

// A claim is a directory for the unfinished blobs of one Dir.
type claim struct {
	name string // unique among all claims of the directory of blobs
	dir  string
	lock *flock.Flock
}

func newClaim(root string) (*claim, error) {
	all := filepath.Join(root, unfinished)
	dir, err := makeTemp(all)
	if err != nil {
		return nil, err
	}
	c := &claim{name: filepath.Base(dir), dir: dir, lock: flock.New(lockOf(dir))}
	locked, err := c.lock.TryLock()
	if err == nil && !locked {
		err = errors.New("another process has locked it")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("locking %s: %w", dir, err), os.RemoveAll(dir))
	}
	return c, nil
}

// makeTemp makes a directory of a new name in another. Another process may remove the other directory at any time while it is empty.
func makeTemp(in string) (dir string, err error) {
	for range 100 {
		if err := os.MkdirAll(in, 0o755); err != nil {
			return "", err
		}
		if dir, err = os.MkdirTemp(in, ""); !errors.Is(err, fs.ErrNotExist) {
			return dir, err
		}
	}
	return "", err
}

func lockOf(dir string) string { return filepath.Join(dir, "lock") }

// release removes the claim and what is unfinished in it.
func (c *claim) release() error {
	err := errors.Join(os.RemoveAll(c.dir), c.lock.Unlock())
	_ = os.Remove(filepath.Dir(c.dir)) // it stays when others have claims
	return err
}

// ref returns the name that a writer of containerd's store gets. The store finds unfinished blobs by name, whichever process began them:
// under one name, two processes would write into one file.
func (c *claim) ref(name string) string { return c.name + "/" + name }

// tidy removes the unfinished blobs of processes that have ended. It ignores what it cannot remove, which does no harm.
func tidy(root string) error {
	all := filepath.Join(root, unfinished)
	entries, err := readDir(all)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !settled(entry) {
			continue
		}
		dir := filepath.Join(all, entry.Name())
		lock := flock.New(lockOf(dir))
		if locked, err := lock.TryLock(); err == nil && locked {
			_ = os.RemoveAll(dir)
			_ = lock.Unlock()
		}
	}
	_ = os.Remove(all) // it stays when it is not empty
	return tidyIngest(root)
}

// tidyIngest removes from containerd's store the unfinished blobs of claims that no longer exist.
func tidyIngest(root string) error {
	entries, err := readDir(filepath.Join(root, ingest))
	if err != nil {
		return err
	}
	for _, entry := range entries {
		dir := filepath.Join(root, ingest, entry.Name())
		ref, err := os.ReadFile(filepath.Join(dir, "ref"))
		if err != nil && !errors.Is(err, fs.ErrNotExist) || !settled(entry) {
			continue
		}
		owner, _, _ := strings.Cut(string(ref), "/")
		if _, err := os.Lstat(filepath.Join(root, unfinished, owner)); owner == "" || errors.Is(err, fs.ErrNotExist) {
			_ = os.RemoveAll(dir)
		}
	}
	return nil
}

func readDir(dir string) ([]fs.DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return entries, err
}

func settled(entry fs.DirEntry) bool {
	info, err := entry.Info()
	return err == nil && time.Since(info.ModTime()) > settling
}
