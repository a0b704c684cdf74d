package gendir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

// temporary is where a file is written before it is renamed.
const temporary = ".pulpimg-new"

// Write makes a directory hold the files and nothing else. What an earlier Write put there and is no longer among them is removed. When
// the directory holds anything else, Write changes nothing and returns a ForeignError, or an OtherError if what is there was generated of something else. Each file is replaced at once; a Write that is
// interrupted leaves some of them old and some new, and the next one goes on from there. It returns what it removed.
func (d Folder) Write(ctx context.Context, files []File) (removed []string, err error) {
	if err := os.MkdirAll(d.Dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(d.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	stale, err := d.stale(root, files)
	if err != nil {
		return nil, err
	}
	return stale, d.write(ctx, root, stale, files)
}

func (d Folder) write(ctx context.Context, root *os.Root, stale []string, files []File) error {
	all, err := d.withNote(files)
	if err != nil {
		return err
	}
	// While the directory changes, its note names what was there as well as what will be.
	if err := d.announce(ctx, root, stale, all); err != nil {
		return err
	}
	for _, name := range stale {
		if err := remove(root, name); err != nil {
			return fmt.Errorf("removing %s, which is no longer generated: %w", name, err)
		}
	}
	for _, f := range all {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := replace(ctx, root, f); err != nil {
			return fmt.Errorf("writing %s: %w", f.Path, err)
		}
	}
	return nil
}

// stale returns what an earlier Write put into a directory and is not among the files. What it had not finished is removed.
func (d Folder) stale(root *os.Root, files []File) ([]string, error) {
	there, err := present(root)
	if err != nil {
		return nil, err
	}
	ours, err := d.noted(root)
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{noteFile: true}
	for _, f := range files {
		wanted[f.Path] = true
	}
	var foreign, old []string
	for _, name := range there {
		switch {
		case ours[name] && name == temporary: // an interrupted Write left it
			if err := root.Remove(name); err != nil {
				return nil, err
			}
		case !ours[name]:
			foreign = append(foreign, name)
		case !wanted[name]:
			old = append(old, name)
		}
	}
	if len(foreign) > 0 {
		return nil, &ForeignError{Dir: d.Dir, Files: foreign}
	}
	return old, nil
}

// announce writes a note of all that is about to be removed or written.
func (d Folder) announce(ctx context.Context, root *os.Root, stale []string, files []File) error {
	paths := slices.Clone(stale)
	for _, f := range files {
		if f.Path != noteFile {
			paths = append(paths, f.Path)
		}
	}
	slices.Sort(paths)
	data, err := d.marshalNote(paths)
	if err != nil {
		return err
	}
	if err := replace(ctx, root, File{Path: noteFile, Mode: 0o644, Data: data}); err != nil {
		return fmt.Errorf("writing %s: %w", noteFile, err)
	}
	return nil
}

// remove removes a file, and the directories above it that are empty then.
func remove(root *os.Root, name string) error {
	if err := root.Remove(name); err != nil {
		return err
	}
	above := parents(name)
	slices.Reverse(above)
	for _, dir := range above {
		if root.Remove(dir) != nil {
			break // it is not empty
		}
	}
	return nil
}

// replace puts a file in its place, unless it is there already. Modes do not depend on the umask, nor on what was there: they become part
// of images.
func replace(ctx context.Context, root *os.Root, f File) error {
	for _, dir := range parents(f.Path) {
		if err := root.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		if err := setMode(root, dir, 0o755); err != nil {
			return err
		}
	}
	if there, ok, err := read(root, f.Path); err == nil && ok {
		same, err := there.equal(ctx, f)
		if err != nil {
			return err
		}
		if same {
			if f.isLink() {
				return nil
			}
			return setMode(root, f.Path, f.Mode)
		}
	}
	if err := root.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if f.isLink() {
		if err := root.Symlink(f.Target, temporary); err != nil {
			return err
		}
		return root.Rename(temporary, f.Path)
	}
	if err := writeContent(ctx, root, temporary, f); err != nil {
		return err
	}
	if err := root.Chmod(temporary, f.Mode); err != nil {
		return err
	}
	return root.Rename(temporary, f.Path)
}

func writeContent(ctx context.Context, root *os.Root, name string, f File) error {
	file, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.Mode)
	if err != nil {
		return err
	}
	return errors.Join(copyContent(ctx, file, f), file.Close())
}

// setMode sets a mode if it is not right yet: changing it would need rights that a caller with the right mode may not have.
func setMode(root *os.Root, name string, mode fs.FileMode) error {
	info, err := root.Lstat(name)
	if err != nil {
		return err
	}
	if info.Mode()&^fs.ModeType == mode {
		return nil
	}
	return root.Chmod(name, mode)
}
