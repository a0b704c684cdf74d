package layout

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/cachedir"
)

// SpecFile is not part of an OCI image layout. It says which spec the layout is of. The layout was last used when the file was last modified.
const SpecFile = "spec.json"

// specFormat is the version of SpecFile. A file of another version is left alone: then nobody knows which spec it is.
const specFormat = 1

// An Owner says which spec a layout is of. The zero value says that nobody knows.
type Owner struct {
	// Family is the name of the family, and Spec is the absolute path of the spec.
	Family string `json:"family"`
	Spec   string `json:"spec"`
}

type ownerRecord struct {
	Format int `json:"format"`
	Owner
}

// SetOwner records which spec the layout is of, and that it is in use. A failure does not matter: the layout counts as older than it is.
func (l *Layout) SetOwner(o Owner) {
	name := filepath.Join(l.Dir(), SpecFile)
	if recorded, known := readOwner(name); !known || recorded == o {
		cachedir.MarkUsed(name)
		return
	}
	_ = replaceJSON(name, ownerRecord{specFormat, o})
}

// readOwner reads a record. It is not known if it has another format.
func readOwner(name string) (o Owner, known bool) {
	data, err := os.ReadFile(name)
	if err != nil {
		return Owner{}, errors.Is(err, fs.ErrNotExist)
	}
	var record ownerRecord
	if json.Unmarshal(data, &record) != nil {
		return Owner{}, true // it is damaged
	}
	return record.Owner, record.Format == specFormat
}

// A Kept is a layout that a cache keeps, as it was at some time.
type Kept struct {
	Dir string
	Owner
	LastUsed time.Time
	// Builds are the builds, the last one first. There are none in a layout that cannot be read.
	Builds []Build
}

// Look describes the layout in a directory, which may be damaged.
func Look(dir string) (Kept, error) {
	k := Kept{Dir: dir}
	if err := cachedir.CheckOwn(dir); err != nil {
		return k, err
	}
	if owner, known := readOwner(filepath.Join(dir, SpecFile)); known {
		k.Owner = owner
	}
	k.LastUsed = lastUsed(dir)
	k.Builds, _ = kept(dir).Builds()
	return k, nil
}

// kept returns the layout in a directory that another command made. It can read it and remove from it, but not write blobs.
func kept(dir string) *Layout { return &Layout{blobs: &Blobs{root: dir}} }

// lastUsed returns when a layout was last used, or the zero value if nothing was built in it.
func lastUsed(dir string) time.Time {
	var last time.Time
	for _, name := range []string{SpecFile, ocispec.ImageIndexFile} {
		if info, err := os.Stat(filepath.Join(dir, name)); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

// ErrUsed reports that a layout was used since somebody looked at it.
var ErrUsed = errors.New("it was used meanwhile")

// RemoveAll removes the layout but for PublishedFile, and returns how many bytes that freed. The error is an [ErrUsed], or one of package
// cachedir, and nothing is removed, if a command uses the layout or did so since it was looked at.
func (k Kept) RemoveAll(ctx context.Context) (freed int64, err error) {
	err = k.alone(func() error {
		// Without an index, nobody takes what an interruption leaves for builds. With SpecFile, it is found again.
		var err error
		if freed, err = cachedir.Remove(filepath.Join(k.Dir, ocispec.ImageIndexFile)); err != nil {
			return err
		}
		n, err := cachedir.EmptyAlone(ctx, k.Dir, PublishedFile, SpecFile)
		if freed += n; err != nil {
			return err
		}
		if n, err = cachedir.Remove(filepath.Join(k.Dir, SpecFile)); err != nil {
			return err
		}
		freed += n
		if _, err := os.Lstat(filepath.Join(k.Dir, PublishedFile)); errors.Is(err, fs.ErrNotExist) {
			k.removeDir()
		}
		return nil
	})
	return freed, err
}

// removeDir removes the directory, which holds nothing but the lock. It gets another name first: a command that begins to use the layout in
// this moment makes a directory, and finds that it has waited for the lock of another one. What cannot be removed does no harm.
func (k Kept) removeDir() {
	removed := k.Dir + ".removed"
	_ = os.RemoveAll(removed)
	if os.Rename(k.Dir, removed) == nil {
		_ = os.RemoveAll(removed)
	}
}

// RemoveBuild removes a build and those before it, and the blobs that only they need. It is otherwise like RemoveAll.
func (k Kept) RemoveBuild(number int) (freed int64, err error) {
	err = k.alone(func() error {
		l := kept(k.Dir)
		builds, err := l.Builds()
		if err != nil {
			return err
		}
		at := slices.IndexFunc(builds, func(b Build) bool { return b.Number <= number })
		if at < 0 {
			return nil
		}
		freed, err = l.keep(builds[:at], builds[at:])
		// To remove a build is not to use the layout.
		return errors.Join(err, os.Chtimes(filepath.Join(k.Dir, ocispec.ImageIndexFile), k.LastUsed, k.LastUsed))
	})
	return freed, err
}

// alone calls a function unless the layout is in use, was used, or is gone.
func (k Kept) alone(do func() error) error {
	if k.LastUsed.IsZero() {
		return nil // nothing was there
	}
	locked := false
	err := cachedir.Alone(k.Dir, func() error {
		locked = true
		if !lastUsed(k.Dir).Equal(k.LastUsed) {
			return ErrUsed
		}
		return do()
	})
	if errors.Is(err, fs.ErrNotExist) && !locked {
		return nil
	}
	if err != nil {
		return fmt.Errorf("removing images from %s: %w", k.Dir, err)
	}
	return nil
}
