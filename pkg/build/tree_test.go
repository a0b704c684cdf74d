package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/tonistiigi/fsutil"
	fstypes "github.com/tonistiigi/fsutil/types"
)

// A diskRef is a directory that answers as an engine does, and notes what it was asked for.
// https://github.com/moby/buildkit/blob/v0.34.2/cache/util/fsutil.go
type diskRef struct {
	gateway.Reference
	root string

	mu    sync.Mutex
	asked []string
}

func (r *diskRef) ReadDir(ctx context.Context, req gateway.ReadDirRequest) ([]*fstypes.Stat, error) {
	r.mu.Lock()
	r.asked = append(r.asked, req.Path+" "+req.IncludePattern)
	r.mu.Unlock()
	var filter fsutil.FilterOpt
	if req.IncludePattern != "" {
		filter.IncludePatterns = []string{req.IncludePattern}
	}
	var found []*fstypes.Stat
	err := fsutil.Walk(ctx, filepath.Join(r.root, req.Path), &filter, func(_ string, info fs.FileInfo, err error) error {
		if err != nil {
			return err
		}
		found = append(found, info.Sys().(*fstypes.Stat))
		if info.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	return found, err
}

func onDisk(t *testing.T, names ...string) (*engineTree, *diskRef) {
	t.Helper()
	root := t.TempDir()
	for _, name := range names {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.WriteFile(name, nil, 0o640), os.Chmod(name, 0o640)); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
	ref := &diskRef{root: root}
	return &engineTree{ref: ref, dirs: map[string]*engineDir{}}, ref
}

func TestLstat_asksForManyNamesAtOnce(t *testing.T) {
	tree, ref := onDisk(t, "usr/bin/0", "usr/bin/2", "usr/bin/4", "usr/bin/6")
	for name := range 8 {
		info, err := tree.Lstat(t.Context(), fmt.Sprintf("/usr/bin/%d", name))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := info != nil, name%2 == 0 && name < 7; got != want {
			t.Errorf("/usr/bin/%d is there: %t, want %t", name, got, want)
		}
	}
	if info, err := tree.Lstat(t.Context(), "/opt/a"); info != nil || err != nil {
		t.Errorf("/opt/a: %v, %v", info, err)
	}
	want := []string{"/ usr", "/usr bin", "/usr/bin 0", "/usr/bin 1", "/usr/bin 2", "/usr/bin 3", "/usr/bin ", "/ opt"}
	if diff := cmp.Diff(want, ref.asked); diff != "" {
		t.Errorf("what the engine was asked for (-want +got):\n%s", diff)
	}
}

func TestPrefetch_asksOnce(t *testing.T) {
	tree, ref := onDisk(t, "usr/lib/a", "usr/bin/x", "etc/1", "etc/2")
	if err := os.Symlink("usr/lib", filepath.Join(ref.root, "lib")); err != nil {
		t.Fatal(err)
	}
	paths := []string{"/lib/a", "/usr/bin/x", "/usr/bin/x/y", "/no/where", "/etc/1", "/etc/2", "/etc/3", "/etc/4", "/etc/5"}
	tree.Prefetch(t.Context(), paths)
	tree.Prefetch(t.Context(), paths)
	want := []string{"/ etc", "/ lib", "/ no", "/ usr", "/etc ", "/lib a", "/no where", "/usr bin", "/usr/bin x", "/usr/bin/x y"}
	slices.Sort(ref.asked)
	// What could not be answered is asked again.
	if diff := cmp.Diff(want, slices.Compact(ref.asked)); diff != "" {
		t.Errorf("what the engine was asked for (-want +got):\n%s", diff)
	}
	ref.asked = nil
	for p, there := range map[string]bool{
		"/lib": true, "/lib/a": false, "/usr/bin/x": true, "/usr/bin/x/y": false, "/no": false, "/no/where": false, "/etc/2": true, "/etc/5": false,
	} {
		info, err := tree.Lstat(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if got := info != nil; got != there {
			t.Errorf("%s is there: %t, want %t", p, got, there)
		}
	}
	if len(ref.asked) != 0 {
		t.Errorf("the engine was asked again: %q", ref.asked)
	}
}

func TestPrefetch_skipsMissingDirectories(t *testing.T) {
	tree, ref := onDisk(t, "srv/old/00/x", "srv/old/01/x", "srv/link")
	if err := os.Symlink("old", filepath.Join(ref.root, "srv/current")); err != nil {
		t.Fatal(err)
	}
	var paths []string
	for i := range 100 {
		for _, in := range []string{"new", "old", "current", "link"} {
			paths = append(paths, fmt.Sprintf("/srv/%s/%02d/x", in, i))
		}
	}
	tree.Prefetch(t.Context(), paths)
	slices.Sort(ref.asked)
	want := []string{"/ srv", "/srv current", "/srv link", "/srv new", "/srv old", "/srv/old ", "/srv/old/00 x", "/srv/old/01 x"}
	if diff := cmp.Diff(want, ref.asked); diff != "" {
		t.Errorf("what the engine was asked for (-want +got):\n%s", diff)
	}
	ref.asked = nil
	for p, there := range map[string]bool{"/srv/new/00/x": false, "/srv/old/01/x": true, "/srv/old/02/x": false, "/srv/link/00/x": false, "/srv/current": true} {
		info, err := tree.Lstat(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		if got := info != nil; got != there {
			t.Errorf("%s is there: %t, want %t", p, got, there)
		}
	}
	if len(ref.asked) != 0 {
		t.Errorf("the engine was asked again: %q", ref.asked)
	}
}

func TestLstat_namesThatLookLikePatterns(t *testing.T) {
	awkward := []string{"*", "?", "[ab]", "[", "a]", "^", `a\`, `\a`, "!", "!a", " a", "a ", "\ta", "a", "a.b", "(a)", "{a,b}", "+", "$", "ä", "#a", "..."}
	for _, name := range awkward {
		for _, there := range []bool{true, false} {
			files := []string{"other"}
			if there {
				files = append(files, name)
			}
			tree, _ := onDisk(t, files...)
			info, err := tree.Lstat(t.Context(), "/"+name)
			if err != nil {
				t.Fatal(err)
			}
			if (info != nil) != there || there && info.Mode != 0o640 {
				t.Errorf("%q is there: %t, and was found as %v", name, there, info)
			}
		}
	}
}

func TestLstat_keepsAnswers(t *testing.T) {
	tree, ref := onDisk(t, "dir/file")
	if err := os.Symlink("dir/file", filepath.Join(ref.root, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(ref.root, "dir"), fs.ModeSticky|0o777); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range []string{"/", "/dir", "/link", "/link/x"} {
		for range 2 {
			info, err := tree.Lstat(t.Context(), p)
			if err != nil {
				t.Fatal(err)
			}
			if info == nil {
				got = append(got, "nothing")
			} else {
				got = append(got, fmt.Sprintf("%s %s", info.Mode, info.Target))
			}
		}
	}
	want := []string{"drwxr-xr-x ", "dtrwxrwxrwx ", "Lrwxrwxrwx dir/file", "nothing"}
	want = slices.Concat(slices.Repeat(want[:1], 2), slices.Repeat(want[1:2], 2), slices.Repeat(want[2:3], 2), slices.Repeat(want[3:], 2))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("got (-want +got):\n%s", diff)
	}
	if len(ref.asked) != 2 {
		t.Errorf("the engine was asked %d times for two names: %q", len(ref.asked), ref.asked)
	}
}
