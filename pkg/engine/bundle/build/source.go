package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

// source says how one program is compiled.
type source struct {
	name    string   // of the program
	dir     string   // where go build runs: the folder of its go.mod, or of its sources
	pkg     string   // the package to build
	module  string   // the module whose version the program has; empty for a part of pulpimg
	env     []string // added to the environment
	tags    string
	ldflags string
	needs   string // a C library, by its pkg-config name
	shares  string // a folder with a package of pulpimg that the program imports
	without string // a package of the module that is compiled as on systems other than Linux; see withoutPackage
}

// sources returns how the engine's programs are compiled for Linux on an architecture. All of them are static, so that pulpimg runs on a
// Linux with another C library, or with none.
func sources(dir, arch string) []source {
	target := []string{"GOOS=linux", "GOARCH=" + arch, "GOWORK=off", "GOFLAGS="}
	const strip = "-s -w -buildid="
	return []source{
		{
			name:    "buildkitd",
			dir:     filepath.Join(dir, "buildkitd"),
			pkg:     "github.com/moby/buildkit/cmd/buildkitd",
			module:  "github.com/moby/buildkit",
			env:     append(slices.Clone(target), "CGO_ENABLED=0"),
			ldflags: strip + " -X github.com/moby/buildkit/version.Version={{version}}",
			// This is a proxy for the network of build steps, for clients that ask for it, and pulpimg does not. It makes an RSA key at
			// each start all the same. That takes 80 ms on average and up to two seconds; the rest of the start takes 50 ms.
			without: "util/network/proxyprovider",
		},
		{
			name:   "runc",
			dir:    filepath.Join(dir, "runc"),
			pkg:    "github.com/opencontainers/runc",
			module: "github.com/opencontainers/runc",
			env:    append(slices.Clone(target), "CGO_ENABLED=1"), // its C code enters namespaces before Go starts threads
			// These are the tags of runc's Makefile, without libpathrs (a C library written in Rust). seccomp is needed: buildkitd asks for
			// seccomp filters if the kernel has them, and a runc without seccomp refuses to run anything with them.
			tags:    "seccomp,urfave_cli_no_docs,netgo,osusergo",
			needs:   "libseccomp",
			ldflags: strip + " -linkmode external -extldflags -static",
		},
		{
			name:    "engine-init",
			dir:     filepath.Join(dir, "engine-init"),
			pkg:     ".",
			shares:  filepath.Join(dir, "..", "..", "..", "internal", "cachedir"),
			env:     append(slices.Clone(target), "CGO_ENABLED=0"),
			ldflags: strip,
		},
	}
}

// update builds the program, unless the one that is there has the same inputs.
func (s source) update(ctx context.Context, bin string, old bundle.Manifest, log io.Writer) (bundle.Program, error) {
	version, err := s.version(ctx)
	if err != nil {
		return bundle.Program{}, err
	}
	args := s.args(version)
	inputs, err := s.inputs(ctx, args)
	if err != nil {
		return bundle.Program{}, err
	}
	packed := filepath.Join(bin, s.name+".zst")
	if p, ok := current(old, s.name, inputs, packed); ok {
		return p, nil
	}
	if err := s.checkNeeds(ctx); err != nil {
		return bundle.Program{}, err
	}
	start := time.Now()
	fmt.Fprintf(log, "building %s %s ...\n", s.name, version)
	p, err := s.build(ctx, args, packed)
	if err != nil {
		return bundle.Program{}, err
	}
	p.Name, p.Version, p.Inputs = s.name, version, inputs
	fmt.Fprintf(log, "built %s %s in %s: %.1f MB, %.1f MB compressed\n", p.Name, p.Version,
		time.Since(start).Round(100*time.Millisecond), float64(p.Size)/1e6, float64(p.Packed)/1e6)
	return p, nil
}

// current finds a program that was built from the same inputs and is still there.
func current(old bundle.Manifest, name, inputs, packed string) (bundle.Program, bool) {
	for _, p := range old.Programs {
		if p.Name != name || p.Inputs != inputs {
			continue
		}
		st, err := os.Stat(packed)
		return p, err == nil && st.Size() == p.Packed
	}
	return bundle.Program{}, false
}

// version returns the version of the program, from its go.mod.
func (s source) version(ctx context.Context) (string, error) {
	if s.module == "" {
		return "", nil
	}
	out, err := s.goCommand(ctx, "list", "-m", "-f", "{{.Version}}", s.module)
	return strings.TrimSpace(string(out)), err
}

func (s source) args(version string) []string {
	args := []string{"build", "-trimpath", "-buildvcs=false"}
	if s.tags != "" {
		args = append(args, "-tags="+s.tags)
	}
	return append(args, "-ldflags="+strings.ReplaceAll(s.ldflags, "{{version}}", version))
}

// inputs returns a digest of all that the program's bytes depend on. Its go.mod and go.sum stand for the sources of modules.
func (s source) inputs(ctx context.Context, args []string) (string, error) {
	goVersion, err := s.goCommand(ctx, "env", "GOVERSION", "CC")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%s\n%q\n%q\n%s\n%d\n", goVersion, s.env, args, s.pkg, level)
	if s.without != "" {
		fmt.Fprintf(sum, "%s\n%s\n", s.without, leaving)
	}
	for _, dir := range []string{s.dir, s.shares} {
		if err := hashFiles(sum, dir); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// hashFiles writes the files of a directory, if there is one.
func hashFiles(w io.Writer, dir string) error {
	if dir == "" {
		return nil
	}
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s %d\n%s", filepath.Base(name), len(text), text)
	}
	return nil
}

func (s source) build(ctx context.Context, args []string, packed string) (bundle.Program, error) {
	tmp, err := os.MkdirTemp("", "pulpimg-build-")
	if err != nil {
		return bundle.Program{}, err
	}
	defer os.RemoveAll(tmp)
	plain := filepath.Join(tmp, s.name)
	if err := s.compile(ctx, args, tmp, plain); err != nil {
		return bundle.Program{}, err
	}
	return pack(plain, packed)
}

// compile compiles the program into the file plain. It may use the folder tmp meanwhile.
func (s source) compile(ctx context.Context, args []string, tmp, plain string) (err error) {
	if s.without != "" {
		if s, err = s.withoutPackage(ctx, tmp); err != nil {
			return fmt.Errorf("leaving %s out: %w", s.without, err)
		}
	}
	_, err = s.goCommand(ctx, append(args, "-o", plain, s.pkg)...)
	return err
}

// checkNeeds returns an error that names the C library to install if it is missing. The C compiler would only name a header.
func (s source) checkNeeds(ctx context.Context) error {
	if s.needs == "" {
		return nil
	}
	if out, err := exec.CommandContext(ctx, "pkg-config", "--exists", "--print-errors", s.needs).CombinedOutput(); err != nil {
		return fmt.Errorf("looking for the C library %s: %w; on Debian: apt-get install gcc pkg-config %s-dev\n%s", s.needs, err, s.needs, out)
	}
	return nil
}

func (s source) goCommand(ctx context.Context, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), s.env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go %s (in %s): %w\n%s", strings.Join(args, " "), s.dir, err, stderr.String())
	}
	return out, nil
}
