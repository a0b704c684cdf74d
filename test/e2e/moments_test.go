package e2e

import (
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// momentsVar says how many moments are tried, instead of a number that takes a minute.
const momentsVar = "PULPIMG_MOMENTS"

// momentsSpec has a large step before a command, so that its files have to go into the engine.
const momentsSpec = `
version: 1
name: moments
registry: docker.io/lab
tag: "1"
images:
  one:
    from: scratch
    steps:
      - files: { from: program, to: /program }
      - files: { from: large, to: /large }
      - run: { command: [/program] }
`

// largeFile is so large that to copy it takes a while, and random, so that it stays as large.
const largeFile = 48 << 20

// fullDisk is the interruption that is no signal.
const fullDisk = "full disk"

// Whatever ends a build at whatever moment, the next one works.
func TestBuild_afterInterruption(t *testing.T) {
	moments := 12
	if given := os.Getenv(momentsVar); given != "" {
		var err error
		if moments, err = strconv.Atoi(given); err != nil {
			t.Fatal(err)
		}
	}
	spec := largeSpec(t)
	p := program{cache: smallDisk(t, "700m")}
	took := func() time.Duration { // of a build that nothing interrupts
		began := time.Now()
		p.run(t, "build", "-f", spec).ok(t)
		return time.Since(began)
	}()
	kinds := []string{"SIGINT", "SIGTERM", "SIGKILL", fullDisk}
	for round := range moments {
		kind := kinds[round%len(kinds)]
		// Some of the moments are those in which the engine has half of the file. The others are any.
		half := round/len(kinds)%3 == 0
		moment := time.Duration(mathrand.Int64N(int64(took)))
		t.Run(fmt.Sprintf("%d %s", round, kind), func(t *testing.T) {
			p.run(t, "engine", "prune").ok(t)
			writeLarge(t, spec)
			filler := filepath.Join(p.cache, "filler")
			if half && kind == fullDisk { // there is space for the file itself, but not for all of what the engine has of it, however fast that comes
				t.Cleanup(func() { _ = os.Remove(filler) }) // where the test ended before
				fillDisk(t, filler, 2*largeFile)
			}
			running := p.start(t, "build", "-f", spec)
			if half {
				eventually(t, "the engine has a part of the file", func() bool { return hasPart(filepath.Join(p.cache, "pulpimg", "engine", "state")) })
			} else {
				t.Logf("after %s of %s", moment, took)
				time.Sleep(moment)
			}
			out := interrupt(t, running, kind, filler)
			t.Logf("it ended with %d", out.code)
			if half && out.code == 0 {
				t.Error("it was not interrupted")
			}
			p.run(t, "build", "-f", spec).ok(t)
		})
	}
}

// An engine that runs on keeps what it has of a file.
func TestBuild_afterInterruptionRemote(t *testing.T) {
	address := startEngine(t)
	state := filepath.Join(filepath.Dir(strings.TrimPrefix(address, "unix://")), "state")
	spec := largeSpec(t)
	p := cold(t)
	running := p.start(t, "build", "-f", spec, "--engine", address)
	eventually(t, "the engine has a part of the file", func() bool { return hasPart(state) })
	interrupt(t, running, "SIGKILL", "")
	p.run(t, "build", "-f", spec, "--engine", address).ok(t)
}

// largeSpec writes the spec with its files.
func largeSpec(t *testing.T) string {
	t.Helper()
	spec := specFile(t, momentsSpec, nil)
	if err := tool(filepath.Join(env.root, "test", "e2e", "testdata", "program"), "go", "build", "-o", filepath.Join(filepath.Dir(spec), "program"), "."); err != nil {
		t.Fatal(err)
	}
	writeLarge(t, spec)
	return spec
}

// smallDisk mounts a disk in memory.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "disk")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("something holds the disk: %v", err)
		}
	})
	return dir
}

func writeLarge(t *testing.T, spec string) {
	t.Helper()
	data := make([]byte, largeFile)
	_, _ = rand.Read(data) // it never fails
	if err := os.WriteFile(filepath.Join(filepath.Dir(spec), "large"), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// hasPart reports whether an engine is at work on a large blob.
func hasPart(state string) bool {
	parts, err := filepath.Glob(filepath.Join(state, "*", "content", "ingest", "*", "data"))
	if err != nil {
		return false
	}
	for _, name := range parts {
		if info, err := os.Stat(name); err == nil && info.Size() > largeFile/8 {
			return true
		}
	}
	return false
}

// interrupt ends a build, or lets it find the disk full because of the filler, and waits until nothing of it is left.
func interrupt(t *testing.T, running *process, kind, filler string) outcome {
	t.Helper()
	signals := map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM, "SIGKILL": syscall.SIGKILL}
	if signal, ok := signals[kind]; ok {
		if err := running.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		return running.wait(t)
	}
	fillDisk(t, filler, 0)
	out := running.wait(t)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	return out
}

// fillDisk lets the filler grow until so many bytes are free on its disk.
func fillDisk(t *testing.T, filler string, free int) {
	t.Helper()
	f, err := os.OpenFile(filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 1<<20)
	for err == nil {
		_, err = f.Write(block)
	}
	info, statErr := f.Stat()
	if err := errors.Join(statErr, f.Truncate(info.Size()-int64(free)), f.Close()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
