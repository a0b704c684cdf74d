package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/mod/semver"
)

// A release is what all archives and packages have in common.
type release struct {
	options
	version string
	man     string            // a directory with manual pages
	scripts map[string]string // the file with the completions, by shell
	tmp     string            // for files; removed at the end
	modules moduleCache
}

// shells are those that get completions.
func shells() []string { return []string{"bash", "zsh", "fish"} }

// newRelease asks the program of this machine for the version, the manual pages and the completions.
func newRelease(ctx context.Context, o options, tmp string) (*release, error) {
	r := &release{options: o, man: filepath.Join(tmp, "man"), scripts: map[string]string{}, tmp: tmp, modules: moduleCache{}}
	var own string
	for _, p := range o.programs {
		if p.os == runtime.GOOS && p.arch == runtime.GOARCH {
			own = p.file
		}
	}
	if own == "" {
		return nil, fmt.Errorf("none of the programs is for this machine (%s/%s), to ask it for its manual pages", runtime.GOOS, runtime.GOARCH)
	}
	text, err := r.output(ctx, own, "version", "--format", "json")
	if err != nil {
		return nil, err
	}
	var info struct{ Version string }
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, fmt.Errorf("reading the version of %s: %w", own, err)
	}
	if r.version = info.Version; !valid(r.version) {
		return nil, fmt.Errorf("%s has the version %q, which is not one of https://semver.org", own, r.version)
	}
	if err := os.Mkdir(r.man, 0o755); err != nil {
		return nil, err
	}
	if _, err := r.output(ctx, own, "man", r.man); err != nil {
		return nil, err
	}
	for _, shell := range shells() {
		text, err := r.output(ctx, own, "completion", shell)
		if err != nil {
			return nil, err
		}
		if r.scripts[shell], err = r.file("completion."+shell, text); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// valid reports whether a version is one of semver, whole and without a "v".
func valid(version string) bool {
	v := "v" + version
	return semver.IsValid(v) && semver.Canonical(v) == strings.TrimSuffix(v, semver.Build(v))
}

// output runs a program and returns what it prints.
func (r *release) output(ctx context.Context, name string, args ...string) ([]byte, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+strconv.FormatInt(r.time.Unix(), 10))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return out, nil
}

// file writes a file that the release needs for a while, and returns its path.
func (r *release) file(name string, text []byte) (string, error) {
	path := filepath.Join(r.tmp, name)
	return path, os.WriteFile(path, text, 0o644)
}

// compressed returns text as gzip -9n compresses it.
func compressed(text []byte) ([]byte, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// checksums is the file with the digests of all others, as sha256sum writes and checks it.
const checksums = "SHA256SUMS"

func writeChecksums(dir string) error {
	files, err := names(dir)
	if err != nil {
		return err
	}
	var out strings.Builder
	for _, name := range files {
		f, err := os.Open(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		sum := sha256.New()
		_, err = io.Copy(sum, f)
		f.Close()
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s  %s\n", hex.EncodeToString(sum.Sum(nil)), name)
	}
	return os.WriteFile(filepath.Join(dir, checksums), []byte(out.String()), 0o644)
}
