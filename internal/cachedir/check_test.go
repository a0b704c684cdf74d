//go:build unix

package cachedir_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/pulpimg/pulpimg/internal/cachedir"
	"github.com/pulpimg/pulpimg/test/needs"
)

// nobody is another user. Only root can give files away.
const nobody = 65534

// tree makes what a test needs in a new directory and returns that.
func tree(t *testing.T, dirs ...string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range dirs {
		must(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	return root
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestCheck_unsafe(t *testing.T) {
	for _, test := range []struct {
		name string
		make func(t *testing.T, root string)
		ask  string // what is checked
		at   string // what is refused; nothing if all is well
		real string
	}{
		{name: "all is root's", ask: "home/cache", real: "home/cache"},
		{name: "what is not there yet", ask: "home/new/cache", real: "home/new/cache"},
		{name: "the directory itself is another user's", ask: "home/cache", at: "home/cache",
			make: func(t *testing.T, root string) { give(t, root, "home/cache") }},
		{name: "a directory above it is another user's, as with sudo -E", ask: "home/cache", at: "home",
			make: func(t *testing.T, root string) { give(t, root, "home") }},
		{name: "another user's directory, in which nothing is yet", ask: "home/cache/new", at: "home/cache",
			make: func(t *testing.T, root string) { give(t, root, "home/cache") }},
		{name: "everybody may write above it", ask: "home/cache", at: "home",
			make: func(t *testing.T, root string) { must(t, os.Chmod(filepath.Join(root, "home"), 0o777)) }},
		{name: "everybody may write above it, but not exchange what is not theirs", ask: "home/cache", real: "home/cache",
			make: func(t *testing.T, root string) {
				must(t, os.Chmod(filepath.Join(root, "home"), 0o777|fs.ModeSticky))
			}},
		{name: "a group of others may write above it", ask: "home/cache", at: "home",
			make: func(t *testing.T, root string) {
				needs.Root(t)
				must(t, os.Chown(filepath.Join(root, "home"), 0, nobody))
				must(t, os.Chmod(filepath.Join(root, "home"), 0o775))
			}},
		{name: "the user's own group may write above it", ask: "home/cache", real: "home/cache",
			make: func(t *testing.T, root string) { must(t, os.Chmod(filepath.Join(root, "home"), 0o775)) }},
		{name: "a link of root's to a safe place", ask: "link/cache", real: "home/cache",
			make: func(t *testing.T, root string) { must(t, os.Symlink("home", filepath.Join(root, "link"))) }},
		{name: "an absolute link of root's to a safe place", ask: "link/cache", real: "home/cache",
			make: func(t *testing.T, root string) {
				must(t, os.Symlink(filepath.Join(root, "home"), filepath.Join(root, "link")))
			}},
		{name: "a link upwards", ask: "other/link/cache", real: "home/cache",
			make: func(t *testing.T, root string) { must(t, os.Symlink("../home", filepath.Join(root, "other/link"))) }},
		{name: "a link of root's to another user's place", ask: "link/cache", at: "home",
			make: func(t *testing.T, root string) {
				must(t, os.Symlink("home", filepath.Join(root, "link")))
				give(t, root, "home")
			}},
		{name: "a link of root's through another user's place", ask: "link", at: "other",
			make: func(t *testing.T, root string) {
				must(t, os.Symlink("../home/cache", filepath.Join(root, "other/back")))
				must(t, os.Symlink("other/back", filepath.Join(root, "link")))
				give(t, root, "other")
			}},
		{name: "another user's link to a safe place", ask: "link/cache", at: "link",
			make: func(t *testing.T, root string) {
				needs.Root(t)
				must(t, os.Symlink("home", filepath.Join(root, "link")))
				must(t, os.Lchown(filepath.Join(root, "link"), nobody, nobody))
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			root := tree(t, "home/cache", "other")
			if test.make != nil {
				test.make(t, root)
			}
			real, err := cachedir.Check(filepath.Join(root, test.ask))
			if test.at == "" {
				if err != nil || real != filepath.Join(root, test.real) {
					t.Errorf("got %q and error %v, want %q in the test's directory", real, err, test.real)
				}
				return
			}
			refusedAt(t, err, filepath.Join(root, test.at))
		})
	}
}

func give(t *testing.T, root, dir string) {
	t.Helper()
	needs.Root(t)
	must(t, os.Chown(filepath.Join(root, dir), nobody, nobody))
}

func refusedAt(t *testing.T, err error, at string) {
	t.Helper()
	var unsafe *cachedir.UnsafeError
	if !errors.As(err, &unsafe) || unsafe.At != at {
		t.Errorf("got error %v, want one about %s", err, at)
	}
}

func TestCheck_endlessLinks(t *testing.T) {
	root := tree(t)
	must(t, os.Symlink("b", filepath.Join(root, "a")))
	must(t, os.Symlink("a", filepath.Join(root, "b")))
	if _, err := cachedir.Check(filepath.Join(root, "a", "cache")); err == nil {
		t.Error("links that lead to each other were taken for a directory")
	}
}

func TestCheckOwn_unsafe(t *testing.T) {
	for _, test := range []struct {
		name  string
		make  func(t *testing.T, dir string)
		wrong bool
	}{
		{name: "not there", make: func(*testing.T, string) {}},
		{name: "a directory", make: func(t *testing.T, dir string) { must(t, os.Mkdir(dir, 0o755)) }},
		{name: "a link to a directory of root's", wrong: true, make: func(t *testing.T, dir string) {
			must(t, os.Symlink(t.TempDir(), dir))
		}},
		{name: "a link that leads nowhere", wrong: true, make: func(t *testing.T, dir string) { must(t, os.Symlink("nowhere", dir)) }},
		{name: "a file", wrong: true, make: func(t *testing.T, dir string) { must(t, os.WriteFile(dir, nil, 0o644)) }},
		{name: "another user's", wrong: true, make: func(t *testing.T, dir string) {
			must(t, os.Mkdir(dir, 0o755))
			give(t, dir, "")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(tree(t), "engine")
			test.make(t, dir)
			if err := cachedir.CheckOwn(dir); !test.wrong {
				must(t, err)
			} else {
				refusedAt(t, err, dir)
			}
		})
	}
}
