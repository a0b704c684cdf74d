package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// A part is a program inside of what is released.
type part struct {
	name string
	dir  string // of its module, in the repository
	pkg  string
	env  []string
	tags string
}

// parts returns all programs inside of a pulpimg, itself included.
func parts(p program) []part {
	target := func(system, arch, cgo string) []string {
		return []string{"GOOS=" + system, "GOARCH=" + arch, "CGO_ENABLED=" + cgo, "GOWORK=off", "GOFLAGS="}
	}
	out := []part{
		{name: "pulpimg", dir: ".", pkg: "./cmd/pulpimg", env: target(p.os, p.arch, "0")},
		{name: "pulp-helper", dir: ".", pkg: "./cmd/pulp-helper", env: target("linux", "amd64", "0")},
		{name: "pulp-helper", dir: ".", pkg: "./cmd/pulp-helper", env: target("linux", "arm64", "0")},
	}
	if !p.hasEngine() {
		return out
	}
	engine, env := "pkg/engine/bundle/", target("linux", p.arch, "1")
	return append(out,
		part{name: "buildkitd", dir: engine + "buildkitd", pkg: "github.com/moby/buildkit/cmd/buildkitd", env: target("linux", p.arch, "0")},
		part{name: "runc", dir: engine + "runc", pkg: "github.com/opencontainers/runc", env: env, tags: "seccomp,netgo,osusergo"},
		part{name: "engine-init", dir: engine + "engine-init", pkg: ".", env: target("linux", p.arch, "0")})
}

// A linked is a module that is linked into a part: a Go module or a C library.
type linked struct {
	path, version string
	files         []string // with the texts of its licences
}

// A moduleCache has the modules of each part that was listed already.
type moduleCache map[string][]linked

// thirdParty writes the file with the licences of everything inside of a program, and returns its path. It returns an error that names what has
// no licence.
func (r *release) thirdParty(ctx context.Context, p program) (string, error) {
	inside := map[string][]string{} // the parts that a module is in
	modules := map[string]linked{}
	for _, part := range parts(p) {
		found, err := r.modulesOf(ctx, part)
		if err != nil {
			return "", fmt.Errorf("the licences of %s: %w", part.name, err)
		}
		for _, m := range found {
			key := m.path + "@" + m.version
			if !slices.Contains(inside[key], part.name) {
				inside[key] = append(inside[key], part.name)
			}
			m.files = slices.Compact(slices.Sorted(slices.Values(slices.Concat(m.files, modules[key].files))))
			modules[key] = m
		}
	}
	text, err := licenceText(modules, inside)
	if err != nil {
		return "", err
	}
	return r.file("third-party-"+p.os+"-"+p.arch, text)
}

// modulesOf lists what is linked into a part.
func (r *release) modulesOf(ctx context.Context, p part) ([]linked, error) {
	key := fmt.Sprint(p)
	if all, ok := r.modules[key]; ok {
		return all, nil
	}
	all, err := goModules(ctx, filepath.Join(r.root, p.dir), p)
	if err != nil {
		return nil, err
	}
	if p.name == "runc" {
		c, err := cLibraries(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, c...)
	}
	r.modules[key] = all
	return all, nil
}

// listed is what `go list` says of a package.
type listed struct {
	Dir    string
	Module *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Path, Version string }
	}
}

// goModules lists the modules of the packages that a part is compiled from, and Go itself.
func goModules(ctx context.Context, dir string, p part) ([]linked, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-json=Dir,Module", "-tags="+p.tags, p.pkg)
	cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), p.env...), &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w\n%s", cmd, err, stderr.String())
	}
	modules := map[string]linked{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg listed
		if err := decoder.Decode(&pkg); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if pkg.Module == nil || strings.HasPrefix(pkg.Module.Path, "github.com/pulpimg/pulpimg") {
			continue // of the standard library, or our own
		}
		m := modules[pkg.Module.Path]
		m.path, m.version = pkg.Module.Path, pkg.Module.Version
		files, err := licenceFiles(pkg.Module.Dir, pkg.Dir)
		if err != nil {
			return nil, err
		}
		m.files = append(m.files, files...)
		modules[m.path] = m
	}
	all := []linked{}
	for _, m := range modules {
		all = append(all, m)
	}
	return goItself(ctx, all)
}

// goItself adds Go's standard library.
func goItself(ctx context.Context, all []linked) ([]linked, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	version, root, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return append(all, linked{"Go, with its standard library", version, []string{filepath.Join(root, "LICENSE"), filepath.Join(root, "PATENTS")}}), nil
}

// isLicence matches the names of files with licences and with what they demand to be passed on.
var isLicence = regexp.MustCompile(`(?i)^(licen[cs]es?|copying|unlicense|notice|patents|copyright)([-.].*)?$`)

// licenceFiles returns the files with licences of a package: those of its directory and of the ones above, up to the module's own.
func licenceFiles(module, dir string) ([]string, error) {
	var found []string
	for at := dir; ; at = filepath.Dir(at) {
		entries, err := os.ReadDir(at)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			if entry.Type().IsRegular() && isLicence.MatchString(entry.Name()) && filepath.Ext(entry.Name()) != ".go" {
				found = append(found, filepath.Join(at, entry.Name()))
			}
		}
		if at == module || at == filepath.Dir(at) {
			return found, nil
		}
	}
}

// cLibraries returns the C libraries that runc is linked with statically. Their licences are where Debian's packages have them.
func cLibraries(ctx context.Context) ([]linked, error) {
	var all []linked
	for name, pkg := range map[string]string{"libseccomp": "libseccomp-dev", "glibc": "libc6-dev"} {
		out, err := exec.CommandContext(ctx, "dpkg-query", "--show", "--showformat=${Version}", pkg).Output()
		if err != nil {
			return nil, fmt.Errorf("the version of %s: %w", pkg, err)
		}
		all = append(all, linked{name + " (the source package of Debian)", string(out),
			[]string{"/usr/share/doc/" + pkg + "/copyright", "/usr/share/common-licenses/LGPL-2.1"}})
	}
	return all, nil
}
