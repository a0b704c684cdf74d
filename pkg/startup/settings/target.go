//go:build linux

package settings

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// A target is a file that is about to change.
type target struct {
	name   string // as the settings call it
	path   string // without symbolic links
	info   fs.FileInfo
	old    []byte
	new    []byte
	staged string // the new file, beside the old one; nothing when there can be none
}

// stage finds out whether the file can be written, and writes the new content beside it.
func (t *target) stage() error {
	if bytes.Equal(t.old, t.new) {
		return nil
	}
	f, err := os.OpenFile(t.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	// If the directory is read-only, or the new file cannot get the old one's owner, the file is overwritten. On a full disk, that would fail too.
	if err := t.writeBeside(); errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return nil
}

func (t *target) writeBeside() error {
	f, err := os.CreateTemp(filepath.Dir(t.path), ".pulp-helper-*")
	if err != nil {
		return err
	}
	t.staged = f.Name()
	_, err = f.Write(t.new)
	err = errors.Join(err, t.dress(f), f.Close())
	if err != nil {
		t.discard()
	}
	return err
}

// dress gives a new file the owner, the mode and the extended attributes of the target, in this order: a change of owner takes bits off
// the mode.
func (t *target) dress(f *os.File) error {
	owner, ok := t.info.Sys().(*syscall.Stat_t)
	if !ok {
		return errors.ErrUnsupported
	}
	return errors.Join(
		f.Chown(int(owner.Uid), int(owner.Gid)),
		f.Chmod(t.info.Mode()),
		copyAttributes(t.path, f.Name()),
	)
}

// commit puts the new content in the file's place. A file that is itself a mount cannot be renamed over, and is overwritten.
func (t *target) commit() error {
	if bytes.Equal(t.old, t.new) {
		return nil
	}
	if t.staged != "" && os.Rename(t.staged, t.path) == nil {
		t.staged = ""
		return nil
	}
	return t.overwrite()
}

// revert puts back what a commit replaced.
func (t *target) revert() error {
	t.discard()
	t.old, t.new = t.new, t.old
	return t.commit()
}

// overwrite writes the new content into the file, or leaves it as it was.
func (t *target) overwrite() error {
	f, err := os.OpenFile(t.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := reserve(f, len(t.new)); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := replace(f, t.new); err != nil {
		return errors.Join(err, replace(f, t.old), f.Close())
	}
	return f.Close()
}

// reserve makes sure that there is room for a file to have a size, where the file system can tell.
// https://man7.org/linux/man-pages/man2/fallocate.2.html
func reserve(f *os.File, size int) error {
	const keepSize = 1 // FALLOC_FL_KEEP_SIZE
	err := syscall.Fallocate(int(f.Fd()), keepSize, 0, int64(size))
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return err
	}
	return nil
}

func replace(f *os.File, content []byte) error {
	if _, err := f.WriteAt(content, 0); err != nil {
		return err
	}
	return f.Truncate(int64(len(content)))
}

// discard removes what was staged and not committed.
func (t *target) discard() {
	if t.staged != "" {
		os.Remove(t.staged)
		t.staged = ""
	}
}
