package site

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/pulpimg/pulpimg/test/lab/baseimage"
	"github.com/pulpimg/pulpimg/test/lab/debian"
	"github.com/pulpimg/pulpimg/test/lab/rpmrepo"
)

// prepared is what the servers serve, ready in the cache.
type prepared struct {
	arch     string // what yum calls $basearch
	base     string // OCI image layout of the base image
	packages string // the yum repository
	empty    string // a yum repository without packages
	revision string // names the contents of packages
}

// Prepare makes what is missing in the lab's folder. The first time, that
// takes about a minute and downloads Debian packages, and with services one or
// two more; the log is told what it does.
func Prepare(ctx context.Context, config Config) error {
	c, err := openCache(config.Dir, config.Log)
	if err != nil {
		return err
	}
	if _, err = c.prepare(ctx); err != nil || !config.Services {
		return err
	}
	return c.prepareServices(ctx)
}

func (c cache) prepare(ctx context.Context) (prepared, error) {
	arch, err := rpmrepo.Arch(runtime.GOARCH)
	if err != nil {
		return prepared{}, err
	}
	base, err := c.baseImage()
	if err != nil {
		return prepared{}, err
	}
	repository, err := c.repository(arch)
	if err != nil {
		return prepared{}, err
	}
	if err := c.ensure(ctx, base, repository); err != nil {
		return prepared{}, err
	}
	p := prepared{
		arch:     arch,
		base:     c.path(base.kind, base.key),
		packages: c.path(repository.kind, repository.key, "packages"),
		empty:    c.path(repository.kind, repository.key, "empty"),
	}
	index, err := os.ReadFile(filepath.Join(p.packages, "repodata", "repomd.xml"))
	if err != nil {
		return prepared{}, fmt.Errorf("reading the yum repository: %w", err)
	}
	p.revision = fmt.Sprintf("sha256:%x", sha256.Sum256(index))
	return p, nil
}

// ensure makes those items that the cache lacks. Only then does it lock it.
func (c cache) ensure(ctx context.Context, items ...item) error {
	if !slices.ContainsFunc(items, func(i item) bool { return !c.has(i) }) {
		return nil
	}
	lock, err := c.lock(ctx)
	if err != nil {
		return err
	}
	defer lock.unlock()
	for _, i := range items {
		if c.has(i) { // made while we waited for the lock
			continue
		}
		if err := debian.Require(ctx, c.log, i.tools...); err != nil {
			return err
		}
		if err := c.add(ctx, i); err != nil {
			return err
		}
	}
	return nil
}

func (c cache) baseImage() (item, error) {
	key, err := baseimage.Key(runtime.GOARCH)
	tools := []debian.Tool{{Program: "mmdebstrap", Package: "mmdebstrap"}}
	return item{"base", key, tools, func(ctx context.Context, scratch, result string) error {
		c.log("making the stand-in base image: this takes about half a minute, once")
		sources, err := debian.Sources(os.DirFS("/etc/apt"), baseimage.Suite)
		if err != nil {
			return err
		}
		return baseimage.Build(ctx, scratch, result, sources)
	}}, err
}

func (c cache) repository(arch string) (item, error) {
	key, err := rpmrepo.Key(baseimage.Epoch())
	tools := []debian.Tool{{Program: "createrepo_c", Package: "createrepo-c"}}
	return item{"repository", key, tools, func(ctx context.Context, scratch, result string) error {
		c.log("making the yum repository")
		packages, err := c.packages(ctx, scratch, arch)
		if err != nil {
			return err
		}
		for name, packages := range map[string][]rpmrepo.Package{"packages": packages, "empty": nil} {
			dir := filepath.Join(result, name)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			if err := rpmrepo.Write(ctx, dir, baseimage.Epoch(), packages...); err != nil {
				return err
			}
		}
		return nil
	}}, err
}

func (c cache) packages(ctx context.Context, scratch, arch string) ([]rpmrepo.Package, error) {
	packages, err := rpmrepo.Catalog()
	if err != nil {
		return nil, err
	}
	downloads, tree := filepath.Join(scratch, "downloads"), filepath.Join(scratch, "tree")
	for _, dir := range []string{downloads, tree} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, err
		}
	}
	if err := debian.Extract(ctx, c.log, downloads, tree, rpmrepo.AugeasSources()...); err != nil {
		return nil, err
	}
	augeas, err := rpmrepo.Augeas(os.DirFS(tree), arch)
	return append(packages, augeas...), err
}
