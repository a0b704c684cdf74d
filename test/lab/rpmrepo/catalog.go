package rpmrepo

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
)

// assets holds comps.xml, modules.yaml and, below a package's name, the package's files at
// their paths in the image.
//
//go:embed all:assets
var assets embed.FS

// Version is the version of Pulp that the stand-ins' packages carry.
const Version = "2.4.0"

// Catalog returns the packages that are made here alone: all but augeas.
func Catalog() ([]Package, error) {
	packages := []Package{
		pulpServer(),
		pulp("pulp-selinux", "Pulp SELinux policy"),
		pulp("pulp-rpm-plugins", "Pulp RPM plugins", "pulp-server", "python-pulp-rpm-common"),
		pulp("python-pulp-common", "Pulp common Python packages"),
		pulp("python-pulp-rpm-common", "Pulp RPM support common library", "python-pulp-common"),
		{Name: "python-qpid", Version: "0.26", Summary: "Python client library for AMQP", License: "ASL 2.0", Provides: []string{"amqp-client"}},
		{Name: "python-qpid-qmf", Version: "0.26", Summary: "The Python bindings for QMF", License: "ASL 2.0", Requires: []string{"python-qpid"}},
		{
			Name: "broken", Version: "1.0", Summary: "Cannot be installed: for tests of failing steps", License: "Public Domain",
			Before: failing("%pre"), After: failing("%post"),
		},
		{
			Name: "broken-post", Version: "1.0", Summary: "Is installed but not set up: for tests of failing steps", License: "Public Domain",
			After: failing("%post"),
		},
		{Name: "lab-weak", Version: "1.0", Summary: "Recommends another, and has documentation", License: "Public Domain", Recommends: []string{"lab-recommended"}, Files: []File{
			{Path: "/usr/share/lab-weak", Mode: 0o644, Owner: "root", Body: []byte("weak\n")},
			{Path: "/usr/share/doc/lab-weak/README", Mode: 0o644, Owner: "root", Body: []byte("read\n"), Doc: true},
		}},
		{Name: "lab-recommended", Version: "1.0", Summary: "Is recommended", License: "Public Domain"},
		{Name: "lab-twice", Version: "1.0", Summary: "Is there in two versions", License: "Public Domain"},
		{Name: "lab-twice", Version: "2.0", Summary: "Is there in two versions", License: "Public Domain"},
		{Name: "lab-modular", Version: "1.0", Summary: "Is in a module that is not enabled", License: "Public Domain"},
	}
	for i, p := range packages {
		files, err := assetFiles(p.Name)
		if err != nil {
			return nil, err
		}
		packages[i].Release, packages[i].Arch = "1.lab", "noarch"
		packages[i].Files = append(files, p.Files...)
	}
	return packages, nil
}

func pulp(name, summary string, requires ...string) Package {
	return Package{Name: name, Version: Version, Summary: summary, License: "GPLv2", Requires: requires}
}

func pulpServer() Package {
	p := pulp("pulp-server", "The Pulp platform server", "python-pulp-common")
	for _, dir := range []string{
		"/var/lib/pulp", "/var/lib/pulp/celery", "/var/lib/pulp/published", "/var/lib/pulp/static",
		"/var/lib/pulp/uploads", "/var/log/pulp", "/var/www/pub",
	} {
		p.Files = append(p.Files, File{Path: dir, Mode: 0o755, Owner: "apache", Dir: true})
	}
	for _, dir := range []string{"/etc/pulp", "/etc/pki/pulp", "/var/www"} {
		p.Files = append(p.Files, File{Path: dir, Mode: 0o755, Owner: "root", Dir: true})
	}
	return p
}

func failing(script string) string {
	return fmt.Sprintf("echo 'broken: this %s script always fails' >&2\nexit 1\n", script)
}

// assetFiles returns the embedded files of the package; it may have none.
func assetFiles(name string) ([]File, error) {
	root := path.Join("assets", name)
	if _, err := fs.Stat(assets, root); err != nil {
		return nil, nil
	}
	tree, err := fs.Sub(assets, root)
	if err != nil {
		return nil, err
	}
	return treeFiles(tree, func(f File) File {
		switch {
		case path.Dir(f.Path) == "/usr/bin":
			f.Mode = 0o755
		case f.Path == "/etc/pulp/server.conf":
			f.Mode, f.Owner, f.Config = 0o640, "apache", true
		}
		return f
	})
}

// treeFiles returns the files of a tree that stands for the root directory,
// without its directories. Each is owned by root, not executable, and then
// what attributes makes of it.
func treeFiles(tree fs.FS, attributes func(File) File) ([]File, error) {
	var files []File
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		f := File{Path: "/" + name, Mode: 0o644, Owner: "root"}
		if entry.Type() == fs.ModeSymlink {
			f.Mode = 0o777
			f.Target, err = fs.ReadLink(tree, name)
		} else {
			f.Body, err = fs.ReadFile(tree, name)
		}
		files = append(files, attributes(f))
		return err
	})
	return slices.Clip(files), err
}
