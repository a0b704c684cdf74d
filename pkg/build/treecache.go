package build

import (
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/moby/buildkit/solver/pb"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"google.golang.org/protobuf/proto"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/internal/layer"
)

// A treeCache keeps the answers of engines about bases from outside, so that the engine need not mount a base again when nothing changed.
// A base is named by its digest, so an answer about it stays true. A damaged file is ignored, which costs only time.
type treeCache struct {
	dir    string
	policy []byte // the source policy, which may replace a base by another one
	fresh  bool   // ignore what was saved

	mu   sync.Mutex
	used []cachedTree
}

// A cachedTree is a tree, and the file with what was known of it.
type cachedTree struct {
	file string
	tree *engineTree
}

// treesDir is the directory for trees below the store of layers. It ends with the version of the file format: change it with the format.
const treesDir = "trees.v1"

// A savedDir is an engineDir in a file. Names and attributes are bytes, not text.
type savedDir struct {
	Names map[string]savedFile
	Whole bool
}

type savedFile struct {
	There bool
	Info  layer.Info
}

// newTreeCache keeps trees in a directory of the store of layers.
func newTreeCache(store string, policy *spb.Policy, fresh bool) (*treeCache, error) {
	c := &treeCache{dir: filepath.Join(store, treesDir), fresh: fresh}
	if policy != nil {
		var err error
		if c.policy, err = (proto.MarshalOptions{Deterministic: true}).Marshal(policy); err != nil {
			return nil, fmt.Errorf("reading the source policy: %w", err)
		}
	}
	return c, nil
}

// add fills the tree of a definition with what was saved of it, and notes the tree for the next save. It does nothing for a base without a
// digest, whose tree may be another one tomorrow.
func (c *treeCache) add(tree *engineTree, base string, def *pb.Definition) {
	if !strings.Contains(base, "@") {
		return
	}
	sum := sha256.New()
	for _, part := range append([][]byte{c.policy}, def.Def...) {
		fmt.Fprintf(sum, "%d ", len(part))
		sum.Write(part)
	}
	cached := cachedTree{file: filepath.Join(c.dir, hex.EncodeToString(sum.Sum(nil))), tree: tree}
	if !c.fresh {
		if dirs, ok := readTree(cached.file); ok {
			tree.dirs = dirs
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = append(c.used, cached)
}

// save writes the answers that the files of the trees do not have yet.
func (c *treeCache) save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cached := range c.used {
		if err := cached.save(c.fresh); err != nil {
			return fmt.Errorf("saving what is known of a base: %w", err)
		}
	}
	return nil
}

func (c cachedTree) save(fresh bool) error {
	c.tree.mu.Lock()
	defer c.tree.mu.Unlock()
	if !c.tree.asked {
		cachedir.MarkUsed(c.file)
		return nil
	}
	dirs := c.tree.dirs
	if !fresh {
		if others, ok := readTree(c.file); ok { // another build may have learned more
			dirs = merged(others, dirs)
		}
	}
	if err := os.MkdirAll(filepath.Dir(c.file), 0o755); err != nil {
		return err
	}
	cachedir.RemoveUnused(filepath.Dir(c.file))
	data, err := encodeTree(dirs)
	if err != nil {
		return err
	}
	c.tree.asked = false
	return atomicfile.Write(c.file, data, 0o600)
}

// merged returns what two trees know together.
func merged(a, b map[string]*engineDir) map[string]*engineDir {
	out := maps.Clone(a)
	for name, dir := range b {
		if other := a[name]; other != nil {
			both := &engineDir{names: maps.Clone(other.names), whole: other.whole || dir.whole}
			maps.Copy(both.names, dir.names)
			dir = both
		}
		out[name] = dir
	}
	return out
}

func encodeTree(dirs map[string]*engineDir) ([]byte, error) {
	saved := make(map[string]savedDir, len(dirs))
	for name, dir := range dirs {
		files := make(map[string]savedFile, len(dir.names))
		for file, info := range dir.names {
			if info == nil {
				files[file] = savedFile{}
			} else {
				files[file] = savedFile{There: true, Info: *info}
			}
		}
		saved[name] = savedDir{Names: files, Whole: dir.whole}
	}
	var content bytes.Buffer
	if err := gob.NewEncoder(&content).Encode(saved); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(content.Bytes())
	return append(sum[:], content.Bytes()...), nil
}

// readTree reads the file of a tree. It reports false for one that is not there or is damaged.
func readTree(file string) (map[string]*engineDir, bool) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, false
	}
	return decodeTree(data)
}

func decodeTree(data []byte) (map[string]*engineDir, bool) {
	if len(data) < sha256.Size {
		return nil, false
	}
	want, content := data[:sha256.Size], data[sha256.Size:]
	if sum := sha256.Sum256(content); !bytes.Equal(sum[:], want) {
		return nil, false
	}
	var saved map[string]savedDir
	if err := gob.NewDecoder(bytes.NewReader(content)).Decode(&saved); err != nil {
		return nil, false
	}
	dirs := make(map[string]*engineDir, len(saved))
	for name, dir := range saved {
		names := make(map[string]*layer.Info, len(dir.Names))
		for file, saved := range dir.Names {
			names[file] = nil
			if saved.There {
				names[file] = &saved.Info
			}
		}
		dirs[name] = &engineDir{names: names, whole: dir.Whole}
	}
	return dirs, true
}
