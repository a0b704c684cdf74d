package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "packaging:", err)
		stop()
		os.Exit(1)
	}
}

// A program is a compiled pulpimg.
type program struct{ os, arch, file string }

// hasEngine reports whether the program is one with an engine inside.
func (p program) hasEngine() bool { return p.os == "linux" }

// options are what the command line asks for.
type options struct {
	root     string // of the repository
	out      string
	formats  []string
	time     time.Time // of all files
	programs []program
}

const (
	formatTar = "tar"
	formatDeb = "deb"
	formatRPM = "rpm"
)

func parse(args []string) (options, error) {
	o := options{}
	flags := flag.NewFlagSet("packaging", flag.ContinueOnError)
	formats := flags.String("formats", "tar,deb,rpm", "what to make, of tar, deb and rpm")
	seconds := flags.String("time", os.Getenv("SOURCE_DATE_EPOCH"), "the `SECONDS` since 1970 that all files are from")
	flags.StringVar(&o.out, "o", "dist", "the `DIR` to write to; it is emptied first")
	flags.StringVar(&o.root, "root", ".", "the `DIR` of the repository")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.formats = strings.Split(*formats, ",")
	for _, format := range o.formats {
		if !slices.Contains([]string{formatTar, formatDeb, formatRPM}, format) {
			return o, fmt.Errorf("there is no format %q", format)
		}
	}
	epoch, err := strconv.ParseInt(*seconds, 10, 64)
	if err != nil {
		return o, fmt.Errorf("give the time of the commit, with -time or SOURCE_DATE_EPOCH: %w", err)
	}
	o.time = time.Unix(epoch, 0).UTC()
	for _, arg := range flags.Args() {
		platform, file, ok := strings.Cut(arg, "=")
		system, arch, ok2 := strings.Cut(platform, "/")
		if !ok || !ok2 {
			return o, fmt.Errorf("%q is not OS/ARCH=FILE", arg)
		}
		o.programs = append(o.programs, program{system, arch, file})
	}
	if len(o.programs) == 0 {
		return o, errors.New("there is nothing to pack: name programs as OS/ARCH=FILE")
	}
	return o, nil
}

func run(ctx context.Context, args []string) (err error) {
	o, err := parse(args)
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp("", "pulpimg-packaging-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := emptied(o.out); err != nil {
		return err
	}
	r, err := newRelease(ctx, o, tmp)
	if err != nil {
		return err
	}
	for _, p := range o.programs {
		if err := r.pack(ctx, p); err != nil {
			return fmt.Errorf("%s/%s: %w", p.os, p.arch, err)
		}
	}
	return writeChecksums(o.out)
}

// emptied makes an empty directory, in place of one that holds nothing but what an earlier run made.
func emptied(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, entry := range entries {
		if name := entry.Name(); entry.IsDir() || name != checksums && !strings.HasPrefix(name, "pulpimg") {
			return fmt.Errorf("%s is not from here: name a directory that is empty or has only packages", filepath.Join(dir, name))
		}
	}
	return errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755))
}

// pack makes all that is offered of one program.
func (r *release) pack(ctx context.Context, p program) error {
	licences, err := r.thirdParty(ctx, p)
	if err != nil {
		return err
	}
	for _, format := range r.formats {
		switch {
		case format == formatTar:
			err = r.archive(p, licences)
		case p.os == "linux":
			err = r.packageFor(format, p, licences)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", format, err)
		}
	}
	return nil
}

// create writes a file of the release, whole or not at all.
func (r *release) create(name string, write func(*os.File) error) error {
	f, err := os.Create(filepath.Join(r.out, name))
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Chmod(0o644), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	fmt.Fprintln(os.Stderr, "made", f.Name())
	return nil
}

// names returns the names of the files of a directory, sorted.
func names(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, entry := range entries {
		if entry.Type() == fs.ModeDir {
			return nil, fmt.Errorf("%s is a directory", filepath.Join(dir, entry.Name()))
		}
		out = append(out, entry.Name())
	}
	return out, nil
}
