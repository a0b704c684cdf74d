package build

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/moby/buildkit/solver/pb"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
	"google.golang.org/protobuf/proto"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/internal/cachedir"
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

// newTreeCache keeps trees in a directory of the store of layers.
func newTreeCache(store string, policy *spb.Policy, fresh bool) (*treeCache, error) {
	marshalled, err := marshalPolicy(policy)
	return &treeCache{dir: filepath.Join(store, treesDir), policy: marshalled, fresh: fresh}, err
}

// marshalPolicy returns the same bytes for the same source policy, none for nil.
func marshalPolicy(policy *spb.Policy) ([]byte, error) {
	if policy == nil {
		return nil, nil
	}
	data, err := (proto.MarshalOptions{Deterministic: true}).Marshal(policy)
	if err != nil {
		return nil, fmt.Errorf("reading the source policy: %w", err)
	}
	return data, nil
}

// recordFile returns the file in a directory for what is known of a definition under a source policy, of which more may be said.
func recordFile(dir string, policy []byte, def *pb.Definition, more ...[]byte) string {
	sum := sha256.New()
	for _, part := range slices.Concat([][]byte{policy}, more, def.Def) {
		fmt.Fprintf(sum, "%d ", len(part))
		sum.Write(part)
	}
	return filepath.Join(dir, hex.EncodeToString(sum.Sum(nil)))
}

// add fills the tree of a definition with what was saved of it, and notes the tree for the next save. It does nothing for a base without a
// digest, whose tree may be another one tomorrow.
func (c *treeCache) add(tree *engineTree, base string, def *pb.Definition) {
	if !strings.Contains(base, "@") {
		return
	}
	cached := cachedTree{file: recordFile(c.dir, c.policy, def), tree: tree}
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
			for _, known := range []*engineDir{other, dir} {
				for name, content := range known.contents {
					both.keep(name, content)
				}
			}
			dir = both
		}
		out[name] = dir
	}
	return out
}
