package e2e

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
)

// twoContents is a spec whose images say which of two builds made them.
const twoContents = `
version: 1
name: two
registry: docker.io/lab
tag: "1"
variables:
  content: {}
images:
  base:
    from: scratch
    labels: { content: "${{ content }}" }
    steps:
      - files: { from: "${{ content }}", to: /content }
  role:
    from: base
    steps:
      - files: { from: hello, to: /hello }
`

var filesOfTwoContents = map[string]string{"a": "a\n", "b": "b\n", "hello": "hello\n"}

// built reads what a build says it made.
func built(t *testing.T, o outcome) map[string]string {
	t.Helper()
	var result struct {
		Images []struct{ Image, Digest string }
	}
	if err := json.Unmarshal([]byte(o.ok(t).stdout), &result); err != nil {
		t.Fatalf("%v:\n%s", err, o.stdout)
	}
	digests := map[string]string{}
	for _, i := range result.Images {
		digests[i.Image] = i.Digest
	}
	return digests
}

// fakeDocker returns a program whose docker keeps what it loads in a file.
func fakeDocker(t *testing.T, p program, file string) program {
	t.Helper()
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\ncase $1 in info) ;; load) cat >%s ;; *) exit 1 ;; esac\n", file)
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return p.with("PATH=" + dir + ":" + env.bin + ":" + os.Getenv("PATH"))
}

// configsInArchive returns the names of the configs in what `docker load` got, which are their digests.
func configsInArchive(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for r := tar.NewReader(f); ; {
		header, err := r.Next()
		if errors.Is(err, io.EOF) {
			t.Fatalf("%s has no manifest.json", file)
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Name == "manifest.json" {
			data, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			return string(data)
		}
	}
}

// checkContent fails the test unless an image is that of a content, with the digest that its build named.
func checkContent(t *testing.T, where string, img v1.Image, digest, content string) {
	t.Helper()
	got, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	if label := config(t, img).Config.Labels["content"]; got.String() != digest || label != content {
		t.Errorf("%s has %s with the content %q, want %s with %q", where, got, label, digest, content)
	}
}

func TestBuild_twoAtOnce(t *testing.T) {
	const rounds = 30
	spec := specFile(t, twoContents, filesOfTwoContents)
	program := cold(t)
	place := registry(t)
	out := t.TempDir()
	for round := range rounds {
		running := map[string]*process{}
		for _, content := range []string{"a", "b"} {
			loaded := filepath.Join(out, "loaded-"+content)
			running[content] = fakeDocker(t, program, loaded).start(t, "build", "-f", spec, "--source-policy", env.lab.Policy, "--format", "json",
				"--set", "content="+content, "--registry", place, "--tag", content, "--push", "--load", "-o", "oci:"+filepath.Join(out, content))
		}
		for content, process := range running {
			digests := built(t, process.wait(t))
			oci, err := layout.ImageIndexFromPath(filepath.Join(out, content))
			if err != nil {
				t.Fatal(err)
			}
			for name, digest := range digests {
				reference := place + "/" + name + ":" + content
				checkContent(t, "the registry", image(t, reference), digest, content)
				hash, err := v1.NewHash(digest)
				if err != nil {
					t.Fatal(err)
				}
				img, err := oci.Image(hash)
				if err != nil {
					t.Fatal(err)
				}
				checkContent(t, "the image layout", img, digest, content)
				id, err := img.ConfigName()
				if err != nil {
					t.Fatal(err)
				}
				if archive := configsInArchive(t, filepath.Join(out, "loaded-"+content)); !strings.Contains(archive, id.Hex) || !strings.Contains(archive, reference) {
					t.Errorf("docker got %s, want the config %s as %s", archive, id.Hex, reference)
				}
			}
			if len(digests) != 2 {
				t.Errorf("the build made %v", digests)
			}
		}
		if t.Failed() {
			t.Fatalf("in round %d", round+1)
		}
	}
	// Each can still be published for itself.
	for _, content := range []string{"a", "b"} {
		program.run(t, "push", "-f", spec, "--set", "content="+content, "--registry", place, "--tag", "again-"+content).ok(t)
		if label := config(t, image(t, place+"/role:again-"+content)).Config.Labels["content"]; label != content {
			t.Errorf("again-%s has the content %q", content, label)
		}
	}
}

// A gate is a registry that lets nothing be written until it is opened.
type gate struct {
	*httptest.Server
	reached, opened chan struct{}
}

func newGate(t *testing.T, to string) *gate {
	t.Helper()
	g := &gate{reached: make(chan struct{}, 1000), opened: make(chan struct{})}
	forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: to})
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			g.reached <- struct{}{}
			select {
			case <-g.opened:
			case <-r.Context().Done():
				return
			}
		}
		forward.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func TestBuild_whileAnotherPushes(t *testing.T) {
	env.lanes.own.enter(t)
	spec := specFile(t, twoContents, filesOfTwoContents)
	program := cold(t)
	slow := newGate(t, env.lab.Registry)
	place := strings.TrimPrefix(registry(t), env.lab.Registry)
	first := program.start(t, "build", "-f", spec, "--source-policy", env.lab.Policy, "--format", "json",
		"--set", "content=a", "--registry", slow.Listener.Addr().String()+place, "--push")
	<-slow.reached
	second := built(t, program.run(t, "build", "-f", spec, "--source-policy", env.lab.Policy, "--format", "json",
		"--set", "content=b", "--registry", env.lab.Registry+place, "--tag", "b", "--push"))
	for range 5 { // more than are kept, each closing the layout
		program.run(t, "build", "-f", spec, "--source-policy", env.lab.Policy, "--set", "content=b", "--no-cache").ok(t)
	}
	close(slow.opened)
	pushed := built(t, first.wait(t))
	checkContent(t, "the registry", image(t, env.lab.Registry+place+"/role:1"), pushed["role"], "a")
	checkContent(t, "the registry", image(t, env.lab.Registry+place+"/role:b"), second["role"], "b")
}

func TestPush_cacheCannotBeWritten(t *testing.T) {
	env.lanes.own.enter(t)
	spec := specFile(t, twoContents, filesOfTwoContents)
	program := cold(t)
	place := registry(t)
	program.build(t, "-f", spec, "--set", "content=a", "--registry", place).ok(t)
	readOnly(t, program.cache)
	o := program.run(t, "push", "-f", spec, "--set", "content=a", "--registry", place).ok(t)
	if !strings.Contains(o.stdout, "published 2 images") {
		t.Errorf("it prints\n%s", o.stdout)
	}
	if !strings.Contains(o.stderr, "pulpimg: everything is published, but later commands will ask the registry for it: recording what was published: ") {
		t.Errorf("it says\n%s", o.stderr)
	}
	image(t, place+"/role:1")
}

// readOnly makes a directory one that nobody can write to, root included.
func readOnly(t *testing.T, dir string) {
	t.Helper()
	if err := syscall.Mount(dir, dir, "", syscall.MS_BIND, ""); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	if err := syscall.Mount("", dir, "", syscall.MS_BIND|syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
}
