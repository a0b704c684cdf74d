package build

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/solver/pb"
	spb "github.com/moby/buildkit/sourcepolicy/pb"

	"github.com/pulpimg/pulpimg/internal/layer"
)

const pinnedBase = "docker.io/library/debian:12@sha256:0123456789012345678901234567890123456789012345678901234567890123"

var definition = &pb.Definition{Def: [][]byte{[]byte("a"), []byte("bc")}}

// A rememberer looks things up in the trees of one build after the other.
type rememberer struct {
	t     *testing.T
	store string
	names []string // what the base has
}

// look lets a build look up paths, and returns what it found and how often it asked the engine.
func (r rememberer) look(base string, def *pb.Definition, policy *spb.Policy, fresh bool, paths ...string) (found map[string]*layer.Info, asked int) {
	r.t.Helper()
	cache, err := newTreeCache(r.store, policy, fresh)
	if err != nil {
		r.t.Fatal(err)
	}
	tree, ref := onDisk(r.t, r.names...)
	cache.add(tree, base, def)
	tree.Prefetch(r.t.Context(), paths)
	found = map[string]*layer.Info{}
	for _, p := range paths {
		if found[p], err = tree.Lstat(r.t.Context(), p); err != nil {
			r.t.Fatal(err)
		}
	}
	if err := cache.save(); err != nil {
		r.t.Fatal(err)
	}
	return found, len(ref.asked)
}

func newRememberer(t *testing.T) rememberer {
	return rememberer{t, t.TempDir(), []string{"etc/passwd", "usr/bin/x", "srv/caf\xe9"}}
}

func TestTreeCache_savesAnswers(t *testing.T) {
	r := newRememberer(t)
	paths := []string{"/etc/passwd", "/etc/none", "/opt/app/file", "/srv/caf\xe9"}
	want, asked := r.look(pinnedBase, definition, nil, false, paths...)
	if asked == 0 || want["/etc/passwd"] == nil || want["/srv/caf\xe9"] == nil || want["/etc/none"] != nil {
		t.Fatalf("asked %d times, and found %v", asked, want)
	}
	got, asked := r.look(pinnedBase, definition, nil, false, paths...)
	if asked != 0 {
		t.Errorf("the engine was asked %d times for what is known", asked)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what is known differs (-found +known):\n%s", diff)
	}
	// What is not known yet is asked for, and what is known stays.
	if got, asked := r.look(pinnedBase, definition, nil, false, "/usr/bin/x"); asked == 0 || got["/usr/bin/x"] == nil {
		t.Errorf("asked %d times, and found %v", asked, got)
	}
	if _, asked := r.look(pinnedBase, definition, nil, false, append(paths, "/usr/bin/x")...); asked != 0 {
		t.Errorf("the engine was asked %d times for what two builds know", asked)
	}
}

func TestTreeCache_ignoresOtherBases(t *testing.T) {
	other := &pb.Definition{Def: [][]byte{[]byte("ab"), []byte("c")}}
	policy := &spb.Policy{Rules: []*spb.Rule{{Action: spb.PolicyAction_DENY}}}
	for _, test := range []struct {
		name   string
		base   string
		def    *pb.Definition
		policy *spb.Policy
		fresh  bool
		damage func(data []byte) []byte
	}{
		{name: "another definition", base: pinnedBase, def: other},
		{name: "another source policy", base: pinnedBase, def: definition, policy: policy},
		{name: "without the cache", base: pinnedBase, def: definition, fresh: true},
		{name: "a flipped bit", base: pinnedBase, def: definition, damage: func(data []byte) []byte { data[len(data)/2] ^= 1; return data }},
		{name: "cut short", base: pinnedBase, def: definition, damage: func(data []byte) []byte { return data[:len(data)-1] }},
		{name: "empty", base: pinnedBase, def: definition, damage: func([]byte) []byte { return nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRememberer(t)
			r.look(pinnedBase, definition, nil, false, "/etc/passwd")
			files, err := filepath.Glob(filepath.Join(r.store, treesDir, "*"))
			if err != nil || len(files) != 1 {
				t.Fatalf("%q, %v", files, err)
			}
			if test.damage != nil {
				data, err := os.ReadFile(files[0])
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(files[0], test.damage(data), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if got, asked := r.look(test.base, test.def, test.policy, test.fresh, "/etc/passwd"); asked == 0 || got["/etc/passwd"] == nil {
				t.Errorf("asked %d times, and found %v", asked, got)
			}
			if _, asked := r.look(test.base, test.def, test.policy, false, "/etc/passwd"); asked != 0 {
				t.Errorf("the engine was asked %d times for what is known again", asked)
			}
		})
	}
}

func TestTreeCache_needsDigest(t *testing.T) {
	r := newRememberer(t)
	for range 2 {
		if _, asked := r.look("docker.io/library/debian:12", definition, nil, false, "/etc/passwd"); asked == 0 {
			t.Error("the engine was not asked about a base that can be another one tomorrow")
		}
	}
}

func TestDecodeTree_restoresAll(t *testing.T) {
	want := map[string]*engineDir{
		"/": {names: map[string]*layer.Info{
			"bin":     {Mode: fs.ModeSymlink | 0o777, Target: "usr/bin"},
			"tmp":     {Mode: fs.ModeDir | fs.ModeSticky | 0o777, UID: 1, GID: 2, Xattrs: map[string]string{"user.a": "\xff\x00", "user.\xe9": ""}},
			"caf\xe9": {Mode: fs.ModeSymlink | 0o777, Target: "\xe9"},
			"no":      nil,
		}, whole: true},
		"/etc":     {names: map[string]*layer.Info{"passwd": {Mode: 0o644}, "group": {Mode: 0o644}}, contents: map[string][]byte{"passwd": []byte("caf\xe9"), "group": {}}},
		"/tmp":     {names: map[string]*layer.Info{}},
		"/caf\xe9": {names: map[string]*layer.Info{}, whole: true},
	}
	data, err := encodeTree(want)
	if err != nil {
		t.Fatal(err)
	}
	got, ok := decodeTree(data)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(engineDir{})); !ok || diff != "" {
		t.Errorf("%t (-want +got):\n%s", ok, diff)
	}
}

func TestTreeCache_reportsFailedSave(t *testing.T) {
	r := newRememberer(t)
	if err := os.WriteFile(filepath.Join(r.store, treesDir), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cache, err := newTreeCache(r.store, nil, false)
	if err != nil {
		t.Fatal(err)
	}
	tree, _ := onDisk(t, r.names...)
	cache.add(tree, pinnedBase, definition)
	if _, err := tree.Lstat(t.Context(), "/etc"); err != nil {
		t.Fatal(err)
	}
	if err := cache.save(); err == nil {
		t.Error("nothing was saved, and there is no error")
	}
}
