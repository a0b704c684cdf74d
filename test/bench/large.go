package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/test/inlab"
)

// What pulpimg may take of bake's time for large contents.
const (
	firstTarget     = 1
	firstCopyTarget = 1.2
	againTarget     = 0.6
)

// firstRuns is how often a first build is measured: each takes long and has an engine and a cache of its own.
const firstRuns = 2

// againRuns is how often a build is measured after which nothing changed.
const againRuns = 5

// A bench of large contents builds an image of one step, or of two when a command follows. Each build ends with an OCI layout on disk.
type largeBench struct {
	dir     string
	buildx  string
	lab     inlab.Lab
	command bool
	copies  bool   // the content is copied from another image, which both tools have built before
	folder  string // with the spec, the Dockerfile and the content
}

// measureLarge measures first builds of large contents and builds after which nothing changed, without a command and with one.
func measureLarge(ctx context.Context, b bench, found *findings) error {
	return measureContents(ctx, b, found, false)
}

// measureCopies does the same for contents that are copied from one image to another.
func measureCopies(ctx context.Context, b bench, found *findings) error {
	return measureContents(ctx, b, found, true)
}

func measureContents(ctx context.Context, b bench, found *findings, copies bool) error {
	program, err := buildBuildx(ctx)
	if err != nil {
		return err
	}
	for _, c := range largeContents() {
		folder := filepath.Join(b.dir, "large")
		if err := os.MkdirAll(filepath.Join(folder, "content"), 0o755); err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "bench: writing the content, %s\n", c.title)
		if err := c.write(filepath.Join(folder, "content")); err != nil {
			return fmt.Errorf("writing the content: %w", err)
		}
		for _, command := range []bool{false, true} {
			large := largeBench{dir: b.dir, buildx: program, lab: b.lab, command: command, copies: copies, folder: folder}
			title := c.title
			if copies {
				title += " between images"
			}
			if command {
				title += ", a command behind"
			}
			rows, err := large.measure(ctx, title)
			if err != nil {
				return fmt.Errorf("%s: %w", title, err)
			}
			found.builds = append(found.builds, rows...)
		}
		if err := os.RemoveAll(folder); err != nil {
			return err
		}
	}
	return nil
}

func (b largeBench) measure(ctx context.Context, title string) (_ []comparison, err error) {
	if err := b.writeSpecs(); err != nil {
		return nil, err
	}
	first := comparison{job: title + ", first build", target: firstTarget, memory: &memories{}}
	if b.copies {
		first.job, first.target = title+", first copy", firstCopyTarget
	}
	again := comparison{job: title + ", nothing changed", target: againTarget, memory: &memories{}}
	for run := range firstRuns {
		fmt.Fprintf(os.Stderr, "bench: %s\n", first.job)
		err := b.fresh(ctx, func(ours, theirs *place) error {
			if err := b.warm(ctx, ours, theirs); err != nil {
				return err
			}
			if err := alternate(ctx, run, ours, theirs, &first); err != nil {
				return err
			}
			if run < firstRuns-1 {
				return nil
			}
			fmt.Fprintf(os.Stderr, "bench: %s\n", again.job)
			for i := range againRuns {
				if err := alternate(ctx, i, ours, theirs, &again); err != nil {
					return err
				}
			}
			return b.checkSame(ctx, ours, theirs)
		})
		if err != nil {
			return nil, err
		}
	}
	return []comparison{first, again}, nil
}

// alternate lets both tools build once. Who begins depends on the number of the run.
func alternate(ctx context.Context, run int, ours, theirs *place, c *comparison) error {
	type turn struct {
		place  *place
		all    *times
		memory *memory
	}
	turns := []turn{{ours, &c.pulpimg, &c.memory.pulpimg}, {theirs, &c.bake, &c.memory.bake}}
	if run%2 == 1 {
		turns[0], turns[1] = turns[1], turns[0]
	}
	for _, t := range turns {
		took, used, err := t.place.build(ctx)
		if err != nil {
			return err
		}
		*t.all = append(*t.all, took)
		*t.memory = t.memory.max(used)
		fmt.Fprintf(os.Stderr, "bench:   %s took %s, resident %s, with the engine %s\n",
			t.place.name, milliseconds(took), megabytes(used.tool), megabytes(used.withEngine))
	}
	return nil
}

const (
	scratchSpec = `version: 1
name: large
registry: docker.io/bench
tag: "1"
images:
  large:
    from: scratch
    steps:
      - files: { from: content, to: /srv/content }
`
	commandSpec = `version: 1
name: large
registry: docker.io/bench
tag: "1"
images:
  large:
    from: "docker.io/library/fedora:20"
    steps:
      - files: { from: content, to: /srv/content }
      - run: touch /srv/done
`
	scratchDockerfile = "FROM scratch\nCOPY content /srv/content\n"
	commandDockerfile = "FROM %s/fedora:20\nCOPY content /srv/content\nRUN touch /srv/done\n"
	bakefile          = "variable \"OUT\" {}\ntarget \"default\" {\n  output = [\"type=oci,tar=false,dest=${OUT}\"]\n}\n"
)

func (b largeBench) writeSpecs() error {
	spec, dockerfile := scratchSpec, scratchDockerfile
	if b.command {
		spec, dockerfile = commandSpec, fmt.Sprintf(commandDockerfile, b.lab.Registry)
	}
	if b.copies {
		spec, dockerfile = b.copySpecs()
	}
	w := writer{dir: b.folder}
	w.put("pulpimg.yaml", []byte(spec), 0o644)
	w.put("Dockerfile", []byte(dockerfile), 0o644)
	w.put("docker-bake.hcl", []byte(bakefile), 0o644)
	return w.err
}

// fresh has a function called with places in which nothing was built yet.
func (b largeBench) fresh(ctx context.Context, use func(ours, theirs *place) error) (err error) {
	dir, err := os.MkdirTemp(b.dir, "fresh-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ours := &place{name: "pulpimg", dir: filepath.Join(dir, "pulpimg")}
	if err := os.Mkdir(ours.dir, 0o755); err != nil {
		return err
	}
	ours.command = func(ctx context.Context, args ...string) *exec.Cmd {
		return b.pulpimg(ctx, ours, args...)
	}
	theirs, err := newPlace(ctx, filepath.Join(dir, "bake"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, theirs.engine.Close()) }()
	if theirs.command, err = b.bake(ctx, theirs); err != nil {
		return err
	}
	theirs.name = "buildx bake"
	return use(ours, theirs)
}

func (b largeBench) pulpimg(ctx context.Context, p *place, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "bin/pulpimg", append([]string{"build", "--progress", "quiet",
		"-f", filepath.Join(b.folder, "pulpimg.yaml"), "--source-policy", b.lab.Policy}, args...)...)
	cmd.Env = environment(p.dir)
	return cmd
}

func (b largeBench) bake(ctx context.Context, p *place) (func(context.Context, ...string) *exec.Cmd, error) {
	env := append(bakeEnvironment(p.dir), "OUT="+p.out())
	if err := createBuilder(ctx, b.buildx, p.engine.Address(), env); err != nil {
		return nil, err
	}
	return func(ctx context.Context, args ...string) *exec.Cmd {
		cmd := exec.CommandContext(ctx, b.buildx, append([]string{"bake", "--progress", "quiet", "--allow", "fs=" + p.dir}, args...)...)
		cmd.Dir = b.folder
		cmd.Env = env
		return cmd
	}, nil
}

// A place is where one tool builds: a directory of its own and, for bake, an engine.
type place struct {
	name    string
	dir     string
	engine  *engine.Engine
	pid     int // of the engine; 0 if the tool starts one itself when it needs it
	command func(ctx context.Context, args ...string) *exec.Cmd
}

// newPlace returns a place with a running engine.
func newPlace(ctx context.Context, dir string) (*place, error) {
	e, err := startEngine(ctx, dir)
	if err != nil {
		return nil, err
	}
	pid, err := enginePID(dir)
	if err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return &place{dir: dir, engine: e, pid: pid}, nil
}

// out is an OCI layout.
func (p *place) out() string { return filepath.Join(p.dir, "out") }

func (p *place) build(ctx context.Context, args ...string) (time.Duration, memory, error) {
	cmd := p.command(ctx, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, memory{}, err
	}
	stop := watchMemory(cmd.Process.Pid, p.pid)
	err := cmd.Wait()
	took, used := time.Since(begin), stop()
	if err != nil {
		return 0, memory{}, fmt.Errorf("building with %s: %w\n%s", p.name, err, &out)
	}
	return took, used, nil
}

// checkSame checks that both tools have built the same image.
func (b largeBench) checkSame(ctx context.Context, ours, theirs *place) error {
	if _, _, err := ours.build(ctx, "-o", "oci:"+ours.out()); err != nil { // it is in pulpimg's cache
		return err
	}
	built, err := readLayout(ours.out(), b.command)
	if err != nil {
		return err
	}
	baked, err := readLayout(theirs.out(), b.command)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(built, baked, cmpopts.IgnoreUnexported(layer{})); diff != "" {
		return fmt.Errorf("the layers differ (- pulpimg, + bake):\n%s", diff)
	}
	return nil
}

// readLayout reads the layers of the one image of a layout.
func readLayout(dir string, hasBase bool) (layers []layer, err error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	image, err := onlyImage(index)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	all, err := image.Layers()
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", dir, err)
	}
	for i, l := range all {
		digest, err := l.Digest()
		if err != nil {
			return nil, err
		}
		read, err := readLayer(l, digest, i > 0 || !hasBase)
		if err != nil {
			return nil, fmt.Errorf("reading layer %d of %s: %w", i+1, dir, err)
		}
		layers = append(layers, read)
	}
	return layers, nil
}
