package rpmrepo

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/test/lab/debian"
)

var built = time.Date(2013, time.December, 17, 0, 0, 0, 0, time.UTC)

// debianTree is the shape of Debian's packages of augeas.
func debianTree() fs.FS {
	return fstest.MapFS{
		"usr/bin/augtool": {Data: []byte("program"), Mode: 0o755},
		"usr/lib/x86_64-linux-gnu/libaugeas.so.0.25": {Data: []byte("library"), Mode: 0o644},
		"usr/lib/x86_64-linux-gnu/libaugeas.so.0":    {Data: []byte("libaugeas.so.0.25"), Mode: 0o777 | fs.ModeSymlink},
		"usr/share/augeas/lenses/dist/inifile.aug":   {Data: []byte("lens"), Mode: 0o644},
		"usr/share/doc/augeas-tools/copyright":       {Data: []byte("text"), Mode: 0o644},
	}
}

func allPackages(t *testing.T) []Package {
	t.Helper()
	packages, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	augeas, err := Augeas(debianTree(), "x86_64")
	if err != nil {
		t.Fatal(err)
	}
	return append(packages, augeas...)
}

// newRepository writes a repository of the packages into a new folder.
func newRepository(t *testing.T, packages []Package) string {
	t.Helper()
	dir := t.TempDir()
	if err := debian.Require(t.Context(), func(s string) { t.Log(s) }, debian.Tool{Program: "createrepo_c", Package: "createrepo-c"}); err != nil {
		t.Fatal(err)
	}
	if err := Write(t.Context(), dir, built, packages...); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTwoRepositoriesOfTheSamePackagesAreTheSameBytes(t *testing.T) {
	first := digests(t, newRepository(t, allPackages(t)))
	second := digests(t, newRepository(t, allPackages(t)))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second repository differs (-first +second):\n%s", diff)
	}
	if len(first) < 14 {
		t.Errorf("only %d files: %v", len(first), first)
	}
}

func TestTheRepositoryListsTheGroupsAndTheirPackages(t *testing.T) {
	dir := newRepository(t, allPackages(t))
	var comps struct {
		Groups []struct {
			ID       string   `xml:"id"`
			Packages []string `xml:"packagelist>packagereq"`
		} `xml:"group"`
	}
	decode(t, dir, "group", &comps)
	groups := map[string][]string{}
	for _, g := range comps.Groups {
		groups[g.ID] = g.Packages
	}
	if diff := cmp.Diff(map[string][]string{
		"pulp-server":      {"pulp-server", "pulp-rpm-plugins", "pulp-selinux"},
		"pulp-server-qpid": {"pulp-server", "pulp-rpm-plugins", "pulp-selinux", "python-qpid", "python-qpid-qmf"},
		"incomplete":       {"pulp-selinux", "no-such-member", "no-such-default"},
		"qpid-client":      {"python-qpid", "no-such-default"},
	}, groups); diff != "" {
		t.Errorf("groups (-want +got):\n%s", diff)
	}
}

func TestWhatAPackageOrAGroupNeedsIsInTheRepository(t *testing.T) {
	dir := newRepository(t, allPackages(t))
	var primary struct {
		Packages []struct {
			Name     string `xml:"name"`
			Location struct {
				Href string `xml:"href,attr"`
			} `xml:"location"`
			Requires []struct {
				Name string `xml:"name,attr"`
			} `xml:"format>requires>entry"`
		} `xml:"package"`
	}
	decode(t, dir, "primary", &primary)
	names := map[string]bool{}
	for _, p := range primary.Packages {
		names[p.Name] = true
		if _, err := os.Stat(filepath.Join(dir, p.Location.Href)); err != nil {
			t.Error(err)
		}
	}
	for _, p := range primary.Packages {
		for _, r := range p.Requires {
			if !names[r.Name] {
				t.Errorf("%s requires %s, which is not there", p.Name, r.Name)
			}
		}
	}
	for _, name := range []string{"pulp-server", "python-qpid-qmf", "python-qpid", "python-pulp-rpm-common", "augeas", "broken"} {
		if !names[name] {
			t.Errorf("%s is not in the repository", name)
		}
	}
}

func TestAnEmptyRepositoryHasMetadata(t *testing.T) {
	dir := newRepository(t, nil)
	var primary struct {
		Count string `xml:"packages,attr"`
	}
	decode(t, dir, "primary", &primary)
	if primary.Count != "0" {
		t.Errorf("it lists %s packages", primary.Count)
	}
}

func TestTheServersSettingsBelongToApacheAndHaveEverySection(t *testing.T) {
	packages, err := Catalog()
	if err != nil {
		t.Fatal(err)
	}
	server := packages[slices.IndexFunc(packages, func(p Package) bool { return p.Name == "pulp-server" })]
	conf := server.Files[slices.IndexFunc(server.Files, func(f File) bool { return f.Path == "/etc/pulp/server.conf" })]
	if conf.Mode != 0o640 || conf.Owner != "apache" || !conf.Config {
		t.Errorf("mode %o, owner %s, config %t", conf.Mode, conf.Owner, conf.Config)
	}
	for _, section := range []string{
		"database", "server", "authentication", "security", "consumer_history", "data_reaping",
		"ldap", "oauth", "messaging", "tasks", "email",
	} {
		if !strings.Contains(string(conf.Body), "\n["+section+"]\n") {
			t.Errorf("no section [%s]", section)
		}
	}
}

func TestAugeasWithoutFilesIsAnError(t *testing.T) {
	if got, err := Augeas(fstest.MapFS{}, "x86_64"); err == nil {
		t.Errorf("Augeas = %v, want an error", got)
	}
}

func digests(t *testing.T, dir string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		sums[rel] = fmt.Sprintf("%x", sha256.Sum256(body))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums
}

// decode reads the repository's metadata file of the kind.
func decode(t *testing.T, dir, kind string, into any) {
	t.Helper()
	var index struct {
		Data []struct {
			Type     string `xml:"type,attr"`
			Location struct {
				Href string `xml:"href,attr"`
			} `xml:"location"`
		} `xml:"data"`
	}
	unmarshal(t, filepath.Join(dir, "repodata/repomd.xml"), &index)
	for _, data := range index.Data {
		if data.Type == kind {
			unmarshal(t, filepath.Join(dir, data.Location.Href), into)
			return
		}
	}
	t.Fatalf("repomd.xml has no %s: %+v", kind, index)
}

func unmarshal(t *testing.T, name string, into any) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if filepath.Ext(name) == ".gz" {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	if err := xml.NewDecoder(r).Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}
