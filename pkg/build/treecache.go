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

// A treeCache keeps what engines answered about bases from outside, so that a build that changes nothing does not have the engine mount
// them. A base is named by its digest, so an answer about it is true for ever. What is damaged costs time and nothing else.
type treeCache struct {
	dir    string
	policy []byte // which sources the engine uses instead of others
	fresh  bool   // nothing that is kept is believed

	mu   sync.Mutex
	used []keptTree
}

// A keptTree is a tree that is kept in a file.
type keptTree struct {
	file string
	tree *engineTree
}

// treesDir is where trees are kept, below the store of layers. It ends with the number of their format. Whoever changes the format changes
// the number.
const treesDir = "trees.v1"

// A savedDir is an engineDir as it is kept. Names and attributes are bytes, not text.
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

// add gives a tree that a definition stands for what is known of it, and keeps what it will know at the next save. A definition that names
// its base without a digest may stand for another tree tomorrow.
func (c *treeCache) add(tree *engineTree, base string, def *pb.Definition) {
	if !strings.Contains(base, "@") {
		return
	}
	sum := sha256.New()
	for _, part := range append([][]byte{c.policy}, def.Def...) {
		fmt.Fprintf(sum, "%d ", len(part))
		sum.Write(part)
	}
	kept := keptTree{file: filepath.Join(c.dir, hex.EncodeToString(sum.Sum(nil))), tree: tree}
	if dirs, ok := readTree(kept.file); ok && !c.fresh {
		tree.dirs = dirs
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used = append(c.used, kept)
}

// save writes what the trees know that their files do not.
func (c *treeCache) save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, kept := range c.used {
		if err := kept.save(c.fresh); err != nil {
			return fmt.Errorf("keeping what is known of a base: %w", err)
		}
	}
	return nil
}

func (k keptTree) save(fresh bool) error {
	k.tree.mu.Lock()
	defer k.tree.mu.Unlock()
	if !k.tree.asked {
		cachedir.MarkUsed(k.file)
		return nil
	}
	dirs := k.tree.dirs
	if others, ok := readTree(k.file); ok && !fresh { // another build may have learned more
		dirs = merged(others, dirs)
	}
	if err := os.MkdirAll(filepath.Dir(k.file), 0o755); err != nil {
		return err
	}
	cachedir.RemoveUnused(filepath.Dir(k.file))
	data, err := encodeTree(dirs)
	if err != nil {
		return err
	}
	k.tree.asked = false
	return atomicfile.Write(k.file, data, 0o600)
}

// merged returns what either of two trees knows.
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
		for file, kept := range dir.Names {
			names[file] = nil
			if kept.There {
				names[file] = &kept.Info
			}
		}
		dirs[name] = &engineDir{names: names, whole: dir.Whole}
	}
	return dirs, true
}
