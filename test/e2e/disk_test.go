package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// diskSpec makes a layer of 8 MB of files and one of 8 MB by a command. Each instance of it has others.
const diskSpec = `
version: 1
name: NAME
registry: docker.io/lab
tag: "1"
images:
  NAME:
    from: docker.io/library/fedora:20
    steps:
      - files: { from: data, to: /data }
      - run: head -c 8000000 /dev/urandom > /NAME
`

// buildOfDisk builds an instance of diskSpec and returns the spec.
func buildOfDisk(t *testing.T, p program, name string) (spec string) {
	t.Helper()
	data := make([]byte, 8_000_000)
	random, err := os.Open("/dev/urandom")
	if err != nil {
		t.Fatal(err)
	}
	defer random.Close()
	if _, err := io.ReadFull(random, data); err != nil {
		t.Fatal(err)
	}
	spec = specFile(t, strings.ReplaceAll(diskSpec, "NAME", name), map[string]string{"data": string(data)})
	p.build(t, "-f", spec).ok(t)
	return spec
}

// A diskStatus is what the status says of the disk.
type diskStatus struct {
	Engine int64 `json:"disk_usage"`
	Total  int64 `json:"total_disk_usage"`
	Layers struct {
		Entries int `json:"entries"`
	} `json:"layers"`
	Images []struct {
		Name string `json:"name"`
		Gone bool   `json:"spec_is_gone"`
	} `json:"images"`
}

func (d diskStatus) String() string {
	text := fmt.Sprint(d.Layers.Entries, " layers")
	for _, i := range d.Images {
		text += " " + i.Name
		if i.Gone {
			text += " (gone)"
		}
	}
	return text
}

func statusOf(t *testing.T, out outcome) (d diskStatus) {
	t.Helper()
	if err := json.Unmarshal([]byte(out.ok(t).stdout), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func (p program) disk(t *testing.T) diskStatus {
	t.Helper()
	return statusOf(t, p.run(t, "engine", "status", "--format", "json"))
}

// With a limit, what is not needed for longest goes, and what is left serves the next build.
func TestPrune_limits(t *testing.T) {
	env.lanes.own.enter(t)
	p := cold(t)
	one := buildOfDisk(t, p, "one")
	time.Sleep(time.Second)
	two := buildOfDisk(t, p, "two")
	time.Sleep(time.Second)
	three := buildOfDisk(t, p, "three")
	if err := os.Remove(two); err != nil {
		t.Fatal(err)
	}
	before := p.disk(t)
	if got, want := before.String(), "6 layers three two (gone) one"; got != want {
		t.Fatalf("kept are %s, want %s", got, want)
	}
	if out := p.run(t, "engine", "prune", "--keep-storage", fmt.Sprint(before.Total+1_000_000, "B")).ok(t); !strings.HasPrefix(out.stdout, "freed 0 B, and ") {
		t.Errorf("all of it fits: %s", out.stdout)
	}
	// What is gone has a base of its own in the images, which is more than this.
	p.run(t, "engine", "prune", "--keep-storage", fmt.Sprint(before.Total-20_000_000, "B")).ok(t)
	after := p.disk(t)
	if got, want := after.String(), "6 layers three one"; got != want || after.Total > before.Total-20_000_000 {
		t.Errorf("kept are %s of %d bytes, want %s", got, after.Total, want)
	}
	// Nothing that the engine has went yet, so nothing runs again.
	if out := p.build(t, "-f", three, "--tag", "2").ok(t); !strings.Contains(out.stdout, "running 0 commands") {
		t.Errorf("a command ran again:\n%s", out.stdout)
	}
	limit := after.Total - 130_000_000
	p.run(t, "engine", "prune", "--keep-storage", fmt.Sprint(limit, "B")).ok(t)
	if now := p.disk(t); now.Total > limit || !strings.HasSuffix(now.String(), " three") {
		t.Errorf("kept are %s of %d bytes, want the images of three, and at most %d bytes", now, now.Total, limit)
	}
	p.run(t, "push", "-f", three, "--registry", registry(t)).ok(t)
	// All of it is old now. Behind the commands, what they were based on goes, too.
	time.Sleep(2 * time.Second)
	p.run(t, "engine", "prune", "--older-than", "1s").ok(t)
	if now := p.disk(t); now.String() != "0 layers" || now.Engine > 100_000_000 {
		t.Errorf("kept are %s, and %d bytes of the engine", now, now.Engine)
	}
	nothingRuns(t, p.cache)
	p.build(t, "-f", one).ok(t)
}

// A prune with a limit uses the engine of a running build and spares what the build uses. So does a build that ends.
func TestPrune_whileABuildRuns(t *testing.T) {
	p := cold(t)
	buildOfDisk(t, p, "one")
	running := startSleeping(t, p, "86405.25")
	out := p.run(t, "engine", "prune", "--older-than", "1ms").ok(t)
	if !strings.Contains(out.stderr, "layers stays: another command uses it\n") || strings.Contains(out.stderr, "waiting") {
		t.Errorf("it says %q", out.stderr)
	}
	if got := p.disk(t).String(); got != "2 layers sleep" {
		t.Errorf("kept are %s, want the layers and the images in use", got)
	}
	if len(processes("sleep 86405.25")) == 0 {
		t.Error("the build has ended")
	}
	if err := running.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	running.wait(t).fails(t, 130)
	nothingRuns(t, p.cache)
}

// An interrupted prune leaves a cache that the next commands can use.
func TestPrune_interrupted(t *testing.T) {
	p := cold(t)
	var specs []string
	for _, name := range []string{"one", "two"} {
		specs = append(specs, buildOfDisk(t, p, name))
	}
	for i, after := range []time.Duration{20, 150, 300, 450} {
		prune := p.start(t, "engine", "prune", "--older-than", "1ms")
		time.Sleep(after * time.Millisecond)
		signal := []syscall.Signal{syscall.SIGINT, syscall.SIGKILL}[i%2]
		_ = prune.cmd.Process.Signal(signal) // it may have ended
		if out := prune.wait(t); out.code != 0 && out.code != 130 && out.code != -1 {
			t.Errorf("after %d ms, it ended with %d:\n%s", after, out.code, out.stderr)
		}
		eventually(t, "nothing runs any more", func() bool { return len(processes(p.cache)) == 0 })
		for _, spec := range specs {
			p.build(t, "-f", spec).ok(t)
		}
	}
	p.run(t, "engine", "prune", "--older-than", "1ms").ok(t)
	if now := p.disk(t); now.String() != "0 layers" {
		t.Errorf("kept are %s", now)
	}
}

// A build that ends keeps layers and images within the bound, but for its own.
func TestBuild_keepsItsBound(t *testing.T) {
	env.lanes.own.enter(t)
	p := cold(t)
	buildOfDisk(t, p, "one")
	time.Sleep(time.Second)
	two := buildOfDisk(t, p.with("PULPIMG_KEEP_STORAGE=200MB"), "two")
	if got, want := p.disk(t).String(), "4 layers two"; got != want { // the layer of the others fits
		t.Errorf("kept are %s, want %s", got, want)
	}
	p.run(t, "push", "-f", two, "--registry", registry(t)).ok(t)
	p.with("PULPIMG_KEEP_STORAGE=200").build(t, "-f", two).fails(t, 64, "PULPIMG_KEEP_STORAGE=200: write a size above 0 with its unit")
}

// Everything works on a full disk: what has to go makes the space for the engine.
func TestPrune_fullDisk(t *testing.T) {
	env.lanes.own.enter(t)
	p := program{cache: smallDisk(t, "1200m")}
	for _, args := range [][]string{{"--keep-storage", "150MB"}, {"--older-than", "1ms"}, nil} {
		spec := buildOfDisk(t, p, "one")
		filling := filepath.Join(p.cache, "filling")
		fillDisk(t, filling, 0)
		before := p.disk(t)
		p.run(t, append([]string{"engine", "prune"}, args...)...).ok(t)
		if now := p.disk(t); now.Total >= before.Total-100_000_000 {
			t.Errorf("%q: %d bytes are left of %d", args, now.Total, before.Total)
		}
		if err := os.Remove(filling); err != nil {
			t.Fatal(err)
		}
		p.build(t, "-f", spec).ok(t)
	}
}
