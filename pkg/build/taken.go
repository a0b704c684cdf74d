package build

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/buildkit/solver/pb"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/internal/ignore"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/sealed"
)

// takenDir is the directory for the records of what was taken from images, below the store of layers. It ends with the version of the file
// format: change it with the format, and with the meaning of what is in the key.
const takenDir = "taken.v1"

// A takenMatch is one of the files and directories that a path in an image stands for, with all that is below it.
type takenMatch struct {
	// Name is the last part of the real path.
	Name []byte `json:"name"`
	// Files are below the match, or the match itself, which has an empty path.
	Files []takenFile `json:"files"`
}

// A takenFile is a file or directory that was taken from an image.
type takenFile struct {
	Path []byte `json:"path"` // below the match
	savedFile
	// Size and SHA256 are those of the content of a regular file.
	Size   int64  `json:"size,omitempty"`
	SHA256 []byte `json:"sha256,omitempty"`
	// Links is the same number for files that are hard links of one another, or 0.
	Links int `json:"links,omitempty"`

	offset int64 // of the content in a spool
}

// fits reports whether a layer of files can hold it: a regular file, a directory or a symbolic link.
func (f takenFile) fits() bool {
	return f.Mode.IsRegular() || f.Mode.IsDir() || f.Mode.Type() == fs.ModeSymlink
}

// isDir reports whether a match is a directory.
func (m takenMatch) isDir() bool {
	return len(m.Files) > 0 && len(m.Files[0].Path) == 0 && m.Files[0].Mode.IsDir()
}

// leaves reports whether patterns leave a file of the match in. A match that is a file goes by its name; that of a directory is always there.
func (m takenMatch) leaves(f takenFile, patterns ignore.Patterns) (bool, error) {
	name := string(f.Path)
	if name == "" {
		if m.isDir() {
			return true, nil
		}
		name = string(m.Name)
	}
	decision, err := patterns.DecidePath(name)
	return !decision.Ignored, err
}

// A takenCache keeps records of what was taken from images. An image is named by its definition, which decides what the engine makes, as far
// as the engine's own cache is concerned. So a record says again what the engine would say, without asking it. A damaged record is ignored,
// which costs only time.
type takenCache struct {
	dir    string
	policy []byte // the source policy, which may replace an image by another one
	fresh  bool   // ignore what was saved
}

func newTakenCache(store string, policy *spb.Policy, fresh bool) (*takenCache, error) {
	marshalled, err := marshalPolicy(policy)
	return &takenCache{dir: filepath.Join(store, takenDir), policy: marshalled, fresh: fresh}, err
}

// file returns the file of the record of what is at a path of an image.
func (c *takenCache) file(def *pb.Definition, from string) string {
	return recordFile(c.dir, c.policy, def, []byte(from))
}

// read returns a record.
func (c *takenCache) read(file string) ([]takenMatch, bool) {
	data, err := os.ReadFile(file)
	if c.fresh || err != nil {
		return nil, false
	}
	content, ok := sealed.Open(data)
	if !ok {
		return nil, false
	}
	var out []takenMatch
	if json.Unmarshal(content, &out) != nil || len(out) == 0 {
		return nil, false
	}
	cachedir.MarkUsed(file)
	return out, true
}

// write writes a record.
func (c *takenCache) write(file string, matches []takenMatch) error {
	if err := os.MkdirAll(c.dir, 0o755); err != nil {
		return err
	}
	cachedir.RemoveUnused(c.dir)
	content, err := json.Marshal(matches)
	if err != nil {
		return err
	}
	return atomicfile.Write(file, sealed.Seal(content), 0o600)
}

// readLayer returns the digest in the record of a layer.
func (c *takenCache) readLayer(file string) (digest.Digest, bool) {
	if c.fresh || file == "" {
		return "", false
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", false
	}
	content, ok := sealed.Open(data)
	diffID := digest.Digest(content)
	if !ok || diffID.Validate() != nil {
		return "", false
	}
	cachedir.MarkUsed(file)
	return diffID, true
}

// writeLayer writes the record of a layer. It does nothing for a layer that is empty.
func (c *takenCache) writeLayer(file string, made layer.Layer) error {
	if file == "" || made.IsEmpty() {
		return nil
	}
	return atomicfile.Write(file, sealed.Seal([]byte(made.DiffID)), 0o600)
}

// entry returns what a layer needs to know of a file that is to be at a path. The spool has the contents; it may be nil when the layer is
// known.
func (f takenFile) entry(at string, spool *spool) layer.File {
	info := f.info()
	out := layer.File{
		Path: at, Mode: info.Mode, UID: info.UID, GID: info.GID, Target: info.Target, Xattrs: info.Xattrs, Links: f.Links,
	}
	if info.Mode.IsRegular() {
		known := layer.Known{Size: f.Size}
		copy(known.SHA256[:], f.SHA256)
		out.Known = &known
		out.Open = spool.opener(f.offset, f.Size)
	}
	return out
}

// withPermissions returns a mode with the permissions of another one.
func withPermissions(mode, permissions fs.FileMode) fs.FileMode { return mode.Type() | permissions }
