package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// seal is a file beside the programs. It records the state of each at the time when its digest was last checked.
const seal = "checked.json"

// unpack writes the programs to disk, unless they are there and undamaged, and returns their folder. The caller holds the lock.
func unpack(ctx context.Context, h home, b *bundle.Bundle) (string, error) {
	dir := h.bin(b.ID())
	if intact(dir, b.Manifest) {
		return dir, nil
	}
	if err := unpackTo(ctx, dir, b); err != nil {
		return "", fmt.Errorf("unpacking the engine (%d MB): %w", b.Size()>>20, err)
	}
	return dir, nil
}

// unpackTo replaces the folder. The new one has all programs from the moment that it is there.
func unpackTo(ctx context.Context, dir string, b *bundle.Bundle) error {
	tmp := dir + newSuffix
	if err := errors.Join(os.RemoveAll(tmp), os.RemoveAll(dir)); err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Mkdir(tmp, 0o700); err != nil {
		return err
	}
	for _, p := range b.Programs {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := writeProgram(filepath.Join(tmp, p.Name), b, p); err != nil {
			return err
		}
	}
	if err := writeSeal(tmp, b.Manifest); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

func writeProgram(name string, b *bundle.Bundle, p bundle.Program) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o700)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := b.WriteTo(f, p); err != nil {
		return err
	}
	// If the seal is on disk after a power cut, the programs must be, too.
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

// intact reports whether the folder has the programs of the manifest. If the state of a file is the one in the seal, its bytes are the
// same: every write changes its ctime (inode(7)), even if the old mtime is set again afterwards. Any other file is read, and sealed if its
// digest is right.
func intact(dir string, m bundle.Manifest) bool {
	if ours, err := ownedByUs(dir); err != nil || !ours {
		return false
	}
	sealed, _ := readSeal(dir)
	changed := false
	for _, p := range m.Programs {
		name := filepath.Join(dir, p.Name)
		now, err := stateOf(name)
		if err != nil || !now.Ours || now.Size != p.Size {
			return false
		}
		if now == sealed[p.Name] {
			continue
		}
		if check(name, p) != nil {
			return false
		}
		changed = true
	}
	return !changed || writeSeal(dir, m) == nil
}

func check(name string, p bundle.Program) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return p.Check(f)
}

// fileState is what lstat(2) returns about a program.
type fileState struct {
	Inode        uint64
	Size         int64
	Mtime, Ctime int64 // nanoseconds
	Ours         bool  // only this user can change and run it
}

func stateOf(name string) (fileState, error) {
	st, err := os.Lstat(name)
	if err != nil {
		return fileState{}, err
	}
	sys := st.Sys().(*syscall.Stat_t)
	return fileState{
		Inode: sys.Ino,
		Size:  st.Size(),
		Mtime: sys.Mtim.Nano(),
		Ctime: sys.Ctim.Nano(),
		Ours:  st.Mode() == 0o700 && int(sys.Uid) == os.Geteuid(),
	}, nil
}

func ownedByUs(dir string) (bool, error) {
	st, err := os.Lstat(dir)
	if err != nil {
		return false, err
	}
	return st.Mode() == fs.ModeDir|0o700 && int(st.Sys().(*syscall.Stat_t).Uid) == os.Geteuid(), nil
}

func readSeal(dir string) (map[string]fileState, error) {
	text, err := os.ReadFile(filepath.Join(dir, seal))
	if err != nil {
		return nil, err
	}
	var s map[string]fileState
	return s, json.Unmarshal(text, &s)
}

func writeSeal(dir string, m bundle.Manifest) error {
	s := make(map[string]fileState, len(m.Programs))
	for _, p := range m.Programs {
		l, err := stateOf(filepath.Join(dir, p.Name))
		if err != nil {
			return err
		}
		s[p.Name] = l
	}
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, seal), text, 0o600)
}
