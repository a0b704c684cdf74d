// Command build compiles the programs of the embedded engine, compresses them, and writes them where package bundle embeds them:
//
//	go run ./pkg/engine/bundle/build [-arch GOARCH] [-dir pkg/engine/bundle]
//
// It compiles a program again only if its inputs changed: module files, flags, sources or the version of Go. The same inputs give the same
// bytes. runc needs a C compiler and the static C library; to build for another GOARCH, set CC to a cross compiler.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/pulpimg/pulpimg/pkg/engine/bundle"
)

func main() {
	arch := flag.String("arch", runtime.GOARCH, "the `GOARCH` to compile for")
	dir := flag.String("dir", "pkg/engine/bundle", "the folder of package bundle")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *dir, *arch, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "building the engine:", err)
		stop()
		os.Exit(1)
	}
}

// run compiles the programs whose inputs changed, and then writes the manifest.
func run(ctx context.Context, dir, arch string, log io.Writer) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	bin := filepath.Join(dir, "bin", arch)
	unlock, err := lock(bin)
	if err != nil {
		return err
	}
	defer unlock()

	old, err := readManifest(bin)
	if err != nil {
		return err
	}
	m := bundle.Manifest{Arch: arch}
	for _, s := range sources(dir, arch) {
		p, err := s.update(ctx, bin, old, log)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		m.Programs = append(m.Programs, p)
	}
	return writeManifest(bin, m)
}

// readManifest returns the manifest of the last build; an empty one if there is none, or if it is damaged.
func readManifest(bin string) (bundle.Manifest, error) {
	var m bundle.Manifest
	text, err := os.ReadFile(filepath.Join(bin, bundle.ManifestName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err != nil {
		return m, err
	}
	if json.Unmarshal(text, &m) != nil {
		return bundle.Manifest{}, nil
	}
	return m, nil
}

// writeManifest writes the manifest, unless the file has it already: Go's build cache then stays valid.
func writeManifest(bin string, m bundle.Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	name := filepath.Join(bin, bundle.ManifestName)
	if old, err := os.ReadFile(name); err == nil && string(old) == string(text) {
		return nil
	}
	return os.WriteFile(name, text, 0o644)
}
