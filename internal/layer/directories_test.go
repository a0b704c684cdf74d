package layer_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/layer"
)

func TestDirectories(t *testing.T) {
	mode := func(m fs.FileMode) *fs.FileMode { return &m }
	owner := &layer.Owner{UID: 5, GID: 6}
	for _, test := range []struct {
		name string
		dirs []layer.Directory
		want []string
	}{
		{"a new one", []layer.Directory{{Path: "/opt/a"}}, []string{"drwxr-xr-x /opt", "drwxr-xr-x /opt/a"}},
		{"a new one with all, below one of root", []layer.Directory{{Path: "/opt/a", Mode: mode(fs.ModeSetgid | 0o775), Owner: owner}},
			[]string{"drwxr-xr-x /opt", "dgrwxrwxr-x /opt/a 5:6"}},
		{"one that is there stays", []layer.Directory{{Path: "/home"}}, []string{"dgrwxrwxr-x /home 48:50"}},
		{"one that is there gets the mode, and keeps the owner", []layer.Directory{{Path: "/home", Mode: mode(0o700)}}, []string{"drwx------ /home 48:50"}},
		{"one that is there gets the owner, and keeps the mode", []layer.Directory{{Path: "/home", Owner: owner}}, []string{"dgrwxrwxr-x /home 5:6"}},
		{"root is an owner like others", []layer.Directory{{Path: "/home", Owner: &layer.Owner{}}}, []string{"dgrwxrwxr-x /home"}},
		{"a link leads to the one that is meant", []layer.Directory{{Path: "/var/run", Owner: owner}}, []string{"drwxr-xr-x /run 5:6"}},
		{"a link above", []layer.Directory{{Path: "/var/up/a", Owner: owner}}, []string{"drwxr-xr-x /usr", "drwxr-xr-x /usr/lib", "drwxr-xr-x /usr/lib/a 5:6"}},
		{"a dangling link leads to a new one", []layer.Directory{{Path: "/etc/default", Owner: owner}}, []string{"drwxr-x--- /etc", "drwxr-xr-x /etc/nowhere 5:6"}},
		{"one below another", []layer.Directory{{Path: "/opt", Owner: owner}, {Path: "/opt/a", Mode: mode(0o700)}}, []string{"drwxr-xr-x /opt 5:6", "drwx------ /opt/a"}},
		{"one above another", []layer.Directory{{Path: "/opt/a", Mode: mode(0o700)}, {Path: "/opt", Owner: owner}}, []string{"drwxr-xr-x /opt 5:6", "drwx------ /opt/a"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			entries, err := layer.Directories(t.Context(), below, test.dirs)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, list(entries)); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDirectories_refusesConflicts(t *testing.T) {
	broken := errors.New("the engine is gone")
	top := tree{"/here": link("/"), "/up": link("../..")}
	for _, test := range []struct {
		name string
		tree layer.Tree
		dirs []layer.Directory
		want string
	}{
		{"a file in its place", below, []layer.Directory{{Path: "/etc/passwd"}}, "/etc/passwd is not a directory"},
		{"links in a cycle", below, []layer.Directory{{Path: "/loop"}}, "symbolic links"},
		{"two names for one", below, []layer.Directory{{Path: "/lib/x"}, {Path: "/usr/lib/x"}}, "/lib/x and /usr/lib/x are the same directory"},
		{"a link to the root", top, []layer.Directory{{Path: "/here"}}, "/here is the root directory"},
		{"a link out of the image", top, []layer.Directory{{Path: "/up"}}, "/up is the root directory"},
		{"a tree that cannot be read", failing{broken}, []layer.Directory{{Path: "/a"}}, broken.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := layer.Directories(t.Context(), test.tree, test.dirs)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

// contents is a tree with the contents of its files.
type contents struct {
	tree
	files map[string]string
}

func (c contents) ReadFile(_ context.Context, path string, limit int64) ([]byte, error) {
	data, ok := c.files[path]
	if !ok {
		return nil, errors.New("asked for the content of " + path)
	}
	return []byte(data)[:min(int64(len(data)), limit)], nil
}

func TestReadFile(t *testing.T) {
	image := contents{
		tree{"/etc": dir(0o755), "/etc/passwd": link("../usr/real/passwd"), "/usr": dir(0o755), "/usr/real": link("/srv"), "/srv": dir(0o755), "/srv/passwd": {Mode: 0o644},
			"/etc/group": link("/../../etc/nothing"), "/loop": link("loop"), "/dir": dir(0o755), "/fifo": {Mode: fs.ModeNamedPipe}},
		map[string]string{"/srv/passwd": "0123456789"},
	}
	entries, err := layer.Entries(t.Context(), image, []layer.File{file("/usr/real/new", "new"), file("/dir/passwd", "of the step")})
	if err != nil {
		t.Fatal(err)
	}
	stacked := layer.Overlay(image, entries)
	for _, test := range []struct {
		name, path string
		tree       layer.Tree
		limit      int64
		want, err  string
	}{
		{"by links, in the file and above", "/etc/passwd", image, 10, "0123456789", ""},
		{"one that is too large", "/etc/passwd", image, 9, "", "/etc/passwd has more than"},
		{"one that is not there", "/etc/shadow", image, 10, "", fs.ErrNotExist.Error()},
		{"a directory that is not there", "/no/shadow", image, 10, "", fs.ErrNotExist.Error()},
		{"a link to nothing", "/etc/group", image, 10, "", fs.ErrNotExist.Error()},
		{"links in a cycle", "/loop", image, 10, "", "symbolic links"},
		{"a directory", "/dir", image, 10, "", "/dir is not a regular file"},
		{"a pipe", "/fifo", image, 10, "", "/fifo is not a regular file"},
		{"of a step before, by a link", "/usr/real/new", stacked, 10, "new", ""},
		{"of a step before, too large", "/dir/passwd", stacked, 10, "", "/dir/passwd has more than"},
		{"below a step", "/etc/passwd", stacked, 10, "0123456789", ""},
		{"of a tree without contents", "/etc/passwd", below, 10, "", "the content of /etc/passwd is not known"},
		{"of an empty image", "/etc/passwd", layer.Empty{}, 10, "", fs.ErrNotExist.Error()},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := layer.ReadFile(t.Context(), test.tree, test.path, test.limit)
			if test.err == "" && (err != nil || string(got) != test.want) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("got %q, error %v, want %q, %q", got, err, test.want, test.err)
			}
		})
	}
}
