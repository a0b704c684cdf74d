package e2e

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// A report is what the program testdata/report prints.
type report struct {
	Args []string `json:"args"`
	Env  []string `json:"env"`
	UID  int      `json:"uid"`
	PID  int      `json:"pid"`
	Dir  string   `json:"dir"`
}

// reporter compiles the program, once, and returns its content.
var reporter = sync.OnceValues(func() (string, error) {
	file := filepath.Join(env.dir, "report")
	if err := tool(".", "env", "CGO_ENABLED=0", "go", "build", "-o", file, "./testdata/report"); err != nil {
		return "", err
	}
	data, err := os.ReadFile(file)
	return string(data), err
})

// bareSpec is a family of images that hold a program and what starts it, and nothing else.
const bareSpec = `
version: 1
name: bare
registry: docker.io/lab
tag: "1"
environment:
  HOST: { default: 127.0.0.1 }
  URL: { default: "tcp://${HOST}:1" }
  HOME_OF_NOBODY: {}
services:
  nowhere: { url: "${URL}", tries: 100, interval: 1s }
images:
  bare:
    from: scratch
    steps:
      - helpers: [wait]
      - files: { from: report, to: /report, mode: "0755" }
    start: { user: "4711", workdir: /usr, command: [/report, "${URL}"] }
  waiting:
    from: bare
    start: { wait: [nowhere], command: [/report] }
`

// bareImage builds the family and returns the reference of one of its images.
func bareImage(t *testing.T, image string) string {
	t.Helper()
	program, err := reporter()
	if err != nil {
		t.Fatal(err)
	}
	place := registry(t)
	file := specFile(t, bareSpec, map[string]string{"report": program})
	warm().build(t, "-f", file, "--registry", place, "--push").ok(t)
	return place + "/" + image + ":1"
}

// report waits for a container's end and returns what its program printed.
func (c container) report(t *testing.T) (r report) {
	t.Helper()
	if code := c.wait(t); code != 0 {
		t.Fatalf("exit code %d: %s", code, c.logs(t))
	}
	if err := json.Unmarshal([]byte(c.logs(t)), &r); err != nil {
		t.Fatalf("%v: %s", err, c.logs(t))
	}
	return r
}

// An image without a shell starts.
func TestStart_noShell(t *testing.T) {
	env.lanes.warm.enter(t)
	image := bareImage(t, "bare")
	given := []string{"UID=7", "IFS=:", "SECONDS=x", "SHELL=/none", "my.setting=1", "a-b=2", "HOST=fd00::7", "EMPTY="}
	got := podman{}.detach(t, image, envs(given...)...).report(t)
	if got.UID != 4711 || got.PID != 1 || got.Dir != "/usr" || !slices.Equal(got.Args, []string{"tcp://[fd00::7]:1"}) {
		t.Errorf("it was started as %+v", got)
	}
	for _, want := range append(given, "URL=tcp://[fd00::7]:1", "HOME=/") {
		if !slices.Contains(got.Env, want) {
			t.Errorf("it lacks %s: %q", want, got.Env)
		}
	}
}

// HOME is the one that was given to the container, if there is one.
func TestStart_home(t *testing.T) {
	env.lanes.warm.enter(t)
	pulp(t)
	image := pulpRegistry() + "/pulp-base" + pulpTag
	place := registry(t)
	program, err := reporter()
	if err != nil {
		t.Fatal(err)
	}
	spec := `
version: 1
name: home
registry: docker.io/lab
tag: "1"
%s
images:
  image:
    from: ` + image + `
    env: { %s }
    steps: [ { helpers: [exec] }, { files: { from: report, to: /report, mode: "0755" } } ]
    start: { user: apache, command: [/report] }
`
	apache := podman{}.python(t, image, "import pwd; print(pwd.getpwnam('apache').pw_dir)")
	for _, test := range []struct{ name, declared, env, options, want string }{
		{"nobody", "", "", "", apache},
		{"the image", "", "HOME: /image", "", "/image"},
		{"the spec", "environment: { HOME: { default: /declared } }", "", "", "/declared"},
		{"who starts it", "environment: { HOME: { default: /declared } }", "", "--env=HOME=/given", "/given"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := specFile(t, fmt.Sprintf(spec, test.declared, test.env), map[string]string{"report": program})
			warm().build(t, "-f", file, "--registry", place, "--push").ok(t)
			var options []string
			if test.options != "" {
				options = append(options, test.options)
			}
			got := podman{}.detach(t, place+"/image:1", options...).report(t)
			for _, want := range []string{"HOME=" + test.want, "USER=apache", "LOGNAME=apache"} {
				if !slices.Contains(got.Env, want) {
					t.Errorf("it lacks %s: %q", want, got.Env)
				}
			}
		})
	}
}

// A stage can be removed from the script by hand.
func TestStart_editedScript(t *testing.T) {
	env.lanes.warm.enter(t)
	image := bareImage(t, "waiting")
	root := podman{}.mount(t, image)
	script, err := os.ReadFile(filepath.Join(root, "usr/share/pulpimg/start"))
	if err != nil {
		t.Fatal(err)
	}
	edited := filepath.Join(t.TempDir(), "start")
	text := strings.Replace(string(script), "wait nowhere\n", "# wait nowhere\n", 1)
	if err := os.WriteFile(edited, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
	c := podman{}.detach(t, image, "--volume", edited+":/usr/share/pulpimg/start:ro", "--env", "PULPIMG_DEBUG=1")
	if code := c.wait(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if output := c.logs(t); !strings.Contains(output, "+ become -- /report\n") || strings.Contains(output, "wait") {
		t.Errorf("it said:\n%s", output)
	}
}

// pushBase publishes the lab's base with another config, and with files.
func pushBase(t *testing.T, change func(*v1.Config), files map[string]string) (reference string) {
	t.Helper()
	img := image(t, env.lab.Registry+"/fedora:20")
	c := config(t, img).Config
	change(&c)
	img, err := mutate.Config(img, c)
	if err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for path, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: path, Mode: 0o755, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	added, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	if err == nil {
		img, err = mutate.AppendLayers(img, added)
	}
	if err != nil {
		t.Fatal(err)
	}
	reference = registry(t) + "/base:1"
	to, err := name.ParseReference(reference, name.Insecure)
	if err == nil {
		err = remote.Write(to, img)
	}
	if err != nil {
		t.Fatal(err)
	}
	return reference
}

// onBase is a family with a role on a base.
const onBase = `
version: 1
name: onbase
registry: docker.io/lab
tag: "1"
services: { nowhere: { url: "tcp://127.0.0.1:1", tries: 100, interval: 1s } }
images:
  role:
    from: %s
    env: { PATH: "/opt/bin:${PATH}" }
    steps:
      - helpers: [wait]
    start: { %s }
`

// A base may have an entrypoint of its own.
func TestStart_entrypointOfTheBase(t *testing.T) {
	env.lanes.warm.enter(t)
	base := pushBase(t, func(c *v1.Config) {
		c.Entrypoint, c.StopSignal = []string{"/run.sh"}, "SIGWINCH"
		c.Healthcheck = &v1.HealthConfig{Test: []string{"CMD", "/bin/false"}, Interval: time.Hour}
	}, map[string]string{"run.sh": "#!/bin/sh\necho \"the base's own, $PATH\"\n"})

	t.Run("which the role becomes", func(t *testing.T) {
		place := registry(t)
		warm().build(t, "-f", specFile(t, fmt.Sprintf(onBase, base, "command: [/run.sh]"), nil), "--registry", place, "--push").ok(t)
		c := podman{}.detach(t, place+"/role:1")
		if code := c.wait(t); code != 0 || !regexp.MustCompile(`(?m)^the base's own, /opt/bin:/\S+$`).MatchString(c.logs(t)) {
			t.Errorf("exit code %d: %s", code, c.logs(t))
		}
	})
	t.Run("whose stop signal the role leaves out", func(t *testing.T) {
		place := registry(t)
		warm().build(t, "-f", specFile(t, fmt.Sprintf(onBase, base, "wait: [nowhere], command: [/run.sh]"), nil), "--registry", place, "--push").ok(t)
		got := config(t, image(t, place+"/role:1")).Config
		if got.StopSignal != "SIGTERM" || got.Healthcheck != nil {
			t.Errorf("the stop signal is %q, the health check %+v", got.StopSignal, got.Healthcheck)
		}
		c := podman{}.detach(t, place+"/role:1")
		c.says(t, "try 1 of 100")
		if code := c.stop(t); code != 143 {
			t.Errorf("exit code %d, want that of SIGTERM, 143", code)
		}
	})
}

// A base that containers cannot start on is refused.
func TestBuild_unsuitableBase(t *testing.T) {
	env.lanes.warm.enter(t)
	for _, test := range []struct {
		name, start, want string
		config            func(*v1.Config)
		files             map[string]string
	}{
		{"another helper", "command: [/bin/true]", `pulpimg.yaml:12:9: \[role 1/2\] helpers wait: the image already has a /usr/bin/pulp-helper, which pulpimg did not put there`,
			func(*v1.Config) {}, map[string]string{"usr/bin/pulp-helper": "x"}},
		{"another user", "user: apache, command: [/bin/true]", `pulpimg.yaml:13:12: role: its containers begin as the user nobody of .*/base:1, who cannot become apache`,
			func(c *v1.Config) { c.User = "nobody" }, nil},
		{"a variable less", "command: [/bin/true]", `pulpimg.yaml:10:18: role: PATH names the variable PATH, which has no value in .*/base:1`,
			func(c *v1.Config) { c.Env = []string{"A=b"} }, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := specFile(t, fmt.Sprintf(onBase, pushBase(t, test.config, test.files), test.start), nil)
			warm().build(t, "-f", file, "--registry", registry(t), "--push").fails(t, 1, test.want)
		})
	}
}

func TestBeat_restarts(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	s := newSite(t)
	beat := s.role(t, "pulp-beat")
	beat.says(t, beatIsReady)
	if line := strings.Split(beat.exec(t, "cat", "/proc/1/cmdline"), "\x00"); !slices.Contains(line, "--pidfile=") {
		t.Errorf("its command line is %q", line)
	}
	beat.run(t, "kill", "--signal", "KILL", beat.name)
	if code := beat.wait(t); code != 137 {
		t.Errorf("exit code %d, want that of SIGKILL, 137", code)
	}
	root := beat.run(t, "mount", beat.name)
	left, err := filepath.Glob(filepath.Join(root, "var/lib/pulp/celery/*.pid"))
	beat.run(t, "unmount", beat.name)
	if diff := cmp.Diff([]string(nil), left); diff != "" || err != nil {
		t.Errorf("%v; it left (-want +got):\n%s", err, diff)
	}
	beat.run(t, "start", beat.name)
	beat.saysTimes(t, beatIsReady, 2)
}
