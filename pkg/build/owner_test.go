package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gateway "github.com/moby/buildkit/frontend/gateway/client"

	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// ReadFile implements gateway.Reference.
func (r *diskRef) ReadFile(_ context.Context, req gateway.ReadRequest) ([]byte, error) {
	r.mu.Lock()
	r.asked = append(r.asked, "content of "+req.Filename)
	r.mu.Unlock()
	data, err := os.ReadFile(filepath.Join(r.root, req.Filename))
	return data[:min(len(data), req.Range.Length)], err
}

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\nodd:x:five:6::/:\nodd:x:7:8::/:\napp:x:1000:1001:App:/srv:/bin/false\r\nshort:x:5\nrooted:x:root:0::/:\nlast:x:4294967295:0::/:"
	group  = "root:x:0:\n\nweb:x:33:app\napp:x:1001:\n# a comment:x:5:\n"
)

// withAccounts returns a tree with these files, or without those that are empty.
func withAccounts(t *testing.T, passwd, group string) (*engineTree, *diskRef) {
	t.Helper()
	tree, ref := onDisk(t, "etc/os-release")
	for name, content := range map[string]string{"passwd": passwd, "group": group} {
		if content == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(ref.root, "etc", name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return tree, ref
}

func TestAccounts(t *testing.T) {
	tree, ref := withAccounts(t, passwd, group)
	for owner, want := range map[family.Owner]string{
		"":             "{0 0}",
		"5":            "{5 5}",
		"5:6":          "{5 6}",
		"app":          "{1000 1001}",
		"app:0":        "{1000 0}",
		"app:web":      "{1000 33}",
		"5:web":        "{5 33}",
		"odd":          "{7 8}", // its first line has no number
		"nobody":       `/etc/passwd of the image has no "nobody": name the owner by its numbers, UID:GID, or have a step before this one add it`,
		"app:nogroup":  `/etc/group of the image has no "nogroup": name the owner by its numbers, UID:GID, or have a step before this one add it`,
		"short":        `/etc/passwd of the image has no "short"`,
		"rooted":       `/etc/passwd of the image has no "rooted"`,
		"last":         `/etc/passwd of the image has no "last"`,
		"5:nogroup":    `/etc/group of the image has no "nogroup"`,
		"1000x":        `/etc/passwd of the image has no "1000x"`,
		"nobody:web":   `/etc/passwd of the image has no "nobody"`,
		"4294967294:0": "{4294967294 0}",
	} {
		got, err := newAccounts(tree).numbers(t.Context(), owner)
		if text := fmt.Sprint(got); err == nil && text != want || err != nil && !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %s, error %v, want %s", owner, text, err, want)
		}
	}
	// Each file was read once, and nothing is asked about numbers.
	var read []string
	for _, asked := range ref.asked {
		if strings.HasPrefix(asked, "content") {
			read = append(read, asked)
		}
	}
	if len(read) != 2 {
		t.Errorf("read: %q", read)
	}
	ref.asked = nil
	if _, err := newAccounts(&engineTree{dirs: map[string]*engineDir{}}).numbers(t.Context(), "5:6"); err != nil {
		t.Errorf("numbers need no engine: %v", err)
	}
}

func TestAccounts_errors(t *testing.T) {
	for _, test := range []struct {
		name, passwd, group string
		owner               family.Owner
		want                string
		is                  error
	}{
		{"no passwd", "", group, "app", `the owner "app" is not known, because the image has no /etc/passwd: name the owner by its numbers`, fs.ErrNotExist},
		{"no group", passwd, "", "5:web", `the owner "web" is not known, because the image has no /etc/group: name the owner by its numbers`, fs.ErrNotExist},
		{"a passwd that is too large", passwd + strings.Repeat("x", maxAccounts), group, "app", `looking up the owner "app" in /etc/passwd of the image: /etc/passwd has more than 1024 KiB`, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			tree, _ := withAccounts(t, test.passwd, test.group)
			_, err := newAccounts(tree).numbers(t.Context(), test.owner)
			if ownerErr := new(OwnerError); !errors.As(err, &ownerErr) || !strings.HasPrefix(err.Error(), test.want) || test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
	_, err := newAccounts(layer.Empty{}).numbers(t.Context(), "app")
	if want := `the owner "app" is not known, because the image has no /etc/passwd`; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("in an empty image: error %v, want %s", err, want)
	}
}

// What a step before brings is what the names of the next one mean, also below a symbolic link of the base.
func TestPlan_owners(t *testing.T) {
	engine := newFakeEngine(t, "srv/x")
	if err := os.WriteFile(engine.path("etc/passwd"), []byte(passwd), 0o644); err != nil {
		t.Fatal(err)
	}
	const spec = `
version: 1
name: f
registry: r
tag: t
images:
  a:
    from: debian:12
    steps:
      - directory: [{path: /srv, owner: app}, {path: /var/lib/app, owner: "app:55", mode: "2770"}]
      - repo: {id: r, baseurl: "http://h/", to: /etc/r.repo}
  b:
    from: scratch
    steps:
      - directory: {path: /a, owner: "7"}
      - directory: {path: /a, mode: 0700}
  c: {from: b, steps: [directory: {path: /c, owner: app}]}
`
	p := newPlanner(t, spec, engine, amd64)
	if _, err := p.plan(t.Context()); err == nil || !strings.Contains(err.Error(), `[c 1/1] directory /c: the owner "app" is not known, because the image has no /etc/passwd`) {
		t.Errorf("error %v", err)
	}
	p = newPlanner(t, spec[:strings.Index(spec, "  c:")], engine, amd64)
	planned := mustPlan(t, p)
	for at, want := range map[string]string{
		"0 /srv": "drwxr-xr-x 1000:1001", "0 /var": "drwxr-xr-x 0:0", "0 /var/lib": "drwxr-xr-x 0:0", "0 /var/lib/app": "dgrwxrwx--- 1000:55", "1 /a": "drwx------ 7:7",
	} {
		image, name, _ := strings.Cut(at, " ")
		info, err := layer.Lookup(t.Context(), planned.images[int(image[0]-'0')].tree, name)
		if err != nil || info == nil {
			t.Fatal(name, info, err)
		}
		if got := fmt.Sprintf("%s %d:%d", info.Mode, info.UID, info.GID); got != want {
			t.Errorf("%s: %s, want %s", at, got, want)
		}
	}
}
