package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nerdctlVariable names the variable with the path of the program nerdctl, which make docker-test compiles.
const nerdctlVariable = "NERDCTL"

// greetingSpec has images of two registries and two tags, which say in what they run.
const greetingSpec = `
version: 1
name: greeting
registries: [docker.io/lab, registry.example.com/lab]
tags: ["1", latest]
variables: { base: {} }
images:
  hello:
    from: "${{ base }}"
    user: "65532:65532"
    workdir: /srv
    env: { GREETING: hello }
    steps: [files: { from: hello, to: /srv/ }]
    entrypoint: [/bin/sh, -c, 'cat "$GREETING"; id -u; pwd']
  bye:
    from: hello
    env: { GREETING: bye }
    steps: [files: { from: bye, to: /srv/ }]
    entrypoint: [/bin/sh, -c, 'cat "$GREETING"; id -u; pwd']
`

var (
	filesOfGreeting = map[string]string{"hello": "hello\n", "bye": "bye\n"}
	namesOfGreeting = []string{
		"docker.io/lab/bye:1", "docker.io/lab/bye:latest", "docker.io/lab/hello:1", "docker.io/lab/hello:latest",
		"registry.example.com/lab/bye:1", "registry.example.com/lab/bye:latest", "registry.example.com/lab/hello:1", "registry.example.com/lab/hello:latest",
	}
)

// A containerd is one of the test's own, as on a node of Kubernetes.
type containerd struct {
	dir     string
	nerdctl string
}

// newContainerd starts containerd. At the end of the test, nothing of it is left.
func newContainerd(t *testing.T) containerd {
	t.Helper()
	c := containerd{nerdctl: os.Getenv(nerdctlVariable)}
	if c.nerdctl == "" {
		t.Skip("make docker-test runs it")
	}
	var err error
	if c.dir, err = os.MkdirTemp(env.dir, "containerd"); err != nil { // a socket's path must not be long
		t.Fatal(err)
	}
	config := fmt.Sprintf("version = 2\nroot = %q\nstate = %q\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\", \"io.containerd.internal.v1.opt\"]\n[grpc]\naddress = %q\n",
		c.dir+"/root", c.dir+"/state", c.dir+"/sock")
	if err := os.WriteFile(c.dir+"/config.toml", []byte(config), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.dir+"/nerdctl.toml", fmt.Appendf(nil, "address = %q\ndata_root = %q\n", c.dir+"/sock", c.dir+"/nerdctl"), 0o644); err != nil {
		t.Fatal(err)
	}
	var log locked
	cmd := exec.Command("containerd", "--config", c.dir+"/config.toml")
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(log.String())
		}
		if err := unmountBelow(c.dir); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "containerd answers", func() bool { return c.command("version").Run() == nil })
	return c
}

func (c containerd) command(args ...string) *exec.Cmd {
	return exec.Command("ctr", append([]string{"--address", c.dir + "/sock"}, args...)...)
}

// ctr returns what ctr prints.
func (c containerd) ctr(t *testing.T, args ...string) string {
	t.Helper()
	cmd := c.command(args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ctr %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// pulpimg returns the program where no other tool than nerdctl is there.
func (c containerd) pulpimg(t *testing.T, namespace string) program {
	t.Helper()
	bin := t.TempDir()
	if err := os.Symlink(c.nerdctl, filepath.Join(bin, "nerdctl")); err != nil {
		t.Fatal(err)
	}
	return warm().with("PATH="+bin, "NERDCTL_TOML="+c.dir+"/nerdctl.toml", "CONTAINERD_NAMESPACE="+namespace)
}

// names returns the names of the images that a namespace has.
func (c containerd) names(t *testing.T, namespace string) []string {
	t.Helper()
	return slices.Sorted(strings.FieldsSeq(c.ctr(t, "--namespace", namespace, "images", "list", "--quiet")))
}

// Images come into containerd by nerdctl, and without it as an archive or a directory, with all names. They run there as their specs say.
func TestDocker_containerd(t *testing.T) {
	c := newContainerd(t)
	spec := specFile(t, greetingSpec, filesOfGreeting)
	build := []string{"build", "-f", spec, "--set", "base=" + env.lab.Registry + "/fedora:20"}
	for _, tt := range []struct {
		name string
		put  func(t *testing.T, namespace string)
	}{
		{"load", func(t *testing.T, namespace string) {
			out := c.pulpimg(t, namespace).run(t, append(build, "--load")...).ok(t)
			if !strings.Contains(out.stderr, "loaded into nerdctl\n") {
				t.Errorf("it does not say where the images are:\n%s", out.stderr)
			}
		}},
		{"archive", func(t *testing.T, namespace string) {
			file := filepath.Join(t.TempDir(), "images.tar")
			warm().run(t, append(build, "-o", "docker-archive:"+file)...).ok(t)
			c.ctr(t, "--namespace", namespace, "images", "import", file)
		}},
		{"directory", func(t *testing.T, namespace string) {
			dir, file := t.TempDir(), filepath.Join(t.TempDir(), "images.tar")
			warm().run(t, append(build, "-o", "oci:"+dir)...).ok(t)
			root(t, "tar", "--create", "--file", file, "--directory", dir, ".")
			c.ctr(t, "--namespace", namespace, "images", "import", file)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.put(t, tt.name)
			if diff := cmp.Diff(namesOfGreeting, c.names(t, tt.name)); diff != "" {
				t.Errorf("the names (-want +got):\n%s", diff)
			}
			for _, image := range []string{"hello", "bye"} {
				got := c.ctr(t, "--namespace", tt.name, "run", "--rm", "--cgroup", "", "--runc-root", c.dir+"/runc", "--fifo-dir", c.dir+"/fifo",
					"registry.example.com/lab/"+image+":latest", tt.name+"-"+image)
				if want := image + "\n65532\n/srv\n"; got != want {
					t.Errorf("%s says %q, want %q", image, got, want)
				}
			}
		})
	}
	t.Run("load for a machine of another kind", func(t *testing.T) {
		c.pulpimg(t, "other").run(t, "build", "-f", spec, "--set", "base=scratch", "--platform", "linux/s390x", "--load").ok(t)
		if diff := cmp.Diff(namesOfGreeting, c.names(t, "other")); diff != "" {
			t.Errorf("the names (-want +got):\n%s", diff)
		}
	})
}
