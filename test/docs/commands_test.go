package docs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/test/inlab"
)

// notRun are the blocks that cannot run here, by their first line, each with the reason.
var notRun = map[string]string{
	`docker run --rm --privileged -v "$PWD:/work" -v pulpimg:/var/cache/pulpimg ghcr.io/pulpimg/pulpimg build`:                                         "it needs a docker that reaches a registry; test/e2e runs the image with podman",
	"make demo # builds the four Pulp images offline and pushes them to a registry on this machine":                                                    "it sets up the lab that these tests run in, and `make test` runs these tests; CI runs both",
	"pulpimg run -f specs/pulp.yaml --registry registry.example.com/pulp pulp-beat -d -e PULP_SERVER_NAME=pulp.example.com -e SERVICE_HOST=10.245.2.2": "it needs the socket /dev/log, a database and a broker; test/e2e starts these images with them",
	"PULP_SERVER_NAME=pulp.example.com DB_SERVICE_HOST=... MSG_SERVICE_HOST=... docker compose up -d":                                                  "the dots are for the reader to fill in, and podman needs a program of its own for Compose",
	"kubectl apply -k kubernetes": "there is no cluster; test/kube validates what is printed with the API server's code",
	"podman run --rm -e ... --entrypoint sh IMAGE -c 'pulp-helper config pulp && cat /etc/pulp/server.conf' # what would be written": "IMAGE and the dots are for the reader to fill in",
	"pulpimg build --mirror docker.io=mirror.example.com/hub":                                                                        "the mirror is an example; test/e2e builds through one",
	"pulpimg build --push --ca corporate.pem":                                                                                        "the authority is an example; test/e2e builds with one",
	"CONTAINERD_NAMESPACE=k8s.io pulpimg build --load":                                                                               "there is no containerd; test/e2e loads into one",
	"pulpimg build -o docker-archive:images.tar":                                                                                     "there is no containerd; test/e2e imports the archive",
	"pulpimg build -o oci:images":                                                                                                    "there is no containerd; test/e2e imports the directory",
	"make # compiles bin/pulpimg":                                                                                                    "its base and its packages come from the internet",
}

// shells are the languages of blocks that are commands, and what runs them.
var shells = map[string][]string{"sh": {"sh", "-eu"}, "bash": {"bash", "-eu"}}

func TestCommands(t *testing.T) {
	if err := inlab.Watch(); err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range markdown(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			all := blocks(t, file)
			var r *reader
			for _, b := range all {
				shell, isCommand := shells[b.lang]
				if first, _, _ := strings.Cut(b.text, "\n"); notRun[oneSpace(first)] != "" {
					found[oneSpace(first)] = true
					continue
				}
				if r == nil && (isCommand || b.args["file"] != "") {
					r = newReader(t)
				}
				switch name := b.args["file"]; {
				case name != "":
					r.write(name, b.text)
				case isCommand:
					r.run(b, shell)
				}
				if t.Failed() {
					return // what comes after depends on it
				}
			}
		})
	}
	for first := range notRun {
		if !found[first] {
			t.Errorf("no block begins with %q any more", first)
		}
	}
}

// indentedCommand finds a command in a block that is indented and not fenced: nothing runs these.
var indentedCommand = regexp.MustCompile(`^ {4,}(\$ )?([A-Z_]+=\S+ )*(bin/)?(pulpimg|docker|podman|buildah|kubectl|make|curl|augtool) `)

func TestCommands_fenced(t *testing.T) {
	for _, file := range markdown(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fenced := false
		for i, line := range strings.Split(string(data), "\n") {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			if !fenced && indentedCommand.MatchString(line) {
				t.Errorf("%s:%d: put this into a fence, as sh, so that a test runs it:\n%s", filepath.Base(file), i+1, line)
			}
		}
	}
}

func oneSpace(s string) string { return strings.Join(strings.Fields(s), " ") }

// extended has the files that specs in the documentation extend.
var extended = fstest.MapFS{"common/base.yaml": {Data: []byte("version: 1\n")}}

// Every whole spec in the documentation can be read.
func TestSpecs_valid(t *testing.T) {
	count := 0
	for _, file := range markdown(t) {
		for _, b := range blocks(t, file) {
			if b.lang != "yaml" || !strings.Contains("\n"+b.text, "\nimages:") || !strings.Contains("\n"+b.text, "\nversion:") {
				continue
			}
			count++
			_, wrong := b.args["mistakes"]
			if _, err := spec.ParseFS(b.String(), []byte(b.text), extended); (err != nil) != wrong {
				t.Errorf("%s: this spec has mistakes: it says %t, but there is %v", b, wrong, err)
			}
		}
	}
	if count < 3 {
		t.Errorf("there are %d specs", count)
	}
}

// A reader does what a file says, from the top to the bottom, in a directory of its own.
type reader struct {
	t    *testing.T
	home string
	dir  string
	env  []string
	// registry stands for registry.example.com.
	registry string
}

func newReader(t *testing.T) *reader {
	t.Helper()
	home := t.TempDir()
	r := &reader{t: t, home: home, dir: filepath.Join(home, "work"), registry: fmt.Sprintf("%s/docs%d", env.lab.Registry, time.Now().UnixNano())}
	bin := filepath.Join(home, "bin")
	policy, storage := filepath.Join(home, "policy.json"), filepath.Join(home, "storage.conf")
	store := filepath.Join(home, "store")
	specs, err := filepath.Abs(filepath.Join(root, "specs"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(r.dir, 0o755), os.Mkdir(bin, 0o755), os.Symlink(specs, filepath.Join(r.dir, "specs")), writePolicy(policy)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		// The internet is that of the lab.
		filepath.Join(bin, "pulpimg"): "#!/bin/sh\ncase \"$1\" in build|plan) command=$1; shift; set -- $command --source-policy " + policy + " \"$@\";; esac\nexec " + env.program + " \"$@\"\n",
		// podman as it works in a container: with its cgroups left alone, the limits of the machine, and no network but one that is named.
		filepath.Join(bin, "docker"): "#!/bin/sh\nif [ \"$1\" = run ]; then shift\n" +
			"case \"$*\" in *--network*) ;; *) set -- --network none \"$@\" ;; esac\n" +
			"set -- run --ulimit nofile=1024:20000 --ulimit nproc=1024:1024 \"$@\"; fi\n" +
			"exec podman --cgroup-manager cgroupfs --events-backend file --runtime runc \"$@\"\n",
		storage: "[storage]\ndriver = \"overlay\"\ngraphroot = \"" + store + "\"\nrunroot = \"" + store + "/run\"\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	r.env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HOME="+home, "XDG_CACHE_HOME="+filepath.Join(home, "cache"),
		"XDG_CONFIG_HOME=", "CONTAINERS_STORAGE_CONF="+storage, "PWD_FILE="+filepath.Join(home, "pwd"))
	t.Cleanup(func() {
		if _, err := os.Stat(store); err == nil {
			r.command(context.Background(), []string{"docker", "rm", "--all", "--force"}, "") // the test's own context is done
			r.command(context.Background(), []string{"docker", "rmi", "--all", "--force"}, "")
		}
	})
	return r
}

func (r *reader) write(name, text string) {
	r.t.Helper()
	file := filepath.Join(r.dir, name)
	err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, []byte(r.local(text)), 0o644))
	if err != nil {
		r.t.Fatal(err)
	}
}

// local puts the lab's registry in place of the one that documentation names.
func (r *reader) local(text string) string {
	return strings.ReplaceAll(text, "registry.example.com", r.registry)
}

// run runs a block where the one before it ended, and checks its exit code and what it prints.
func (r *reader) run(b block, shell []string) {
	r.t.Helper()
	want := 0
	if code, ok := b.args["exit"]; ok {
		var err error
		if want, err = strconv.Atoi(code); err != nil {
			r.t.Fatalf("%s: %v", b, err)
		}
	}
	output, code := r.command(r.t.Context(), shell, r.local(b.text)+"\npwd >\"$PWD_FILE\"\n")
	if code != want {
		r.t.Errorf("%s: exit code %d, want %d\n%s%s", b, code, want, b.text, output)
		return
	}
	b.output = r.local(b.output)
	if b.output != "" {
		checkOutput(r.t, b, output)
	}
	if dir, err := os.ReadFile(filepath.Join(r.home, "pwd")); err == nil {
		r.dir = strings.TrimSpace(string(dir))
	}
}

// command runs a command with something to read, and returns all that it prints, with what it prints as a result at the end.
func (r *reader) command(ctx context.Context, args []string, stdin string) (output string, code int) {
	path := filepath.Join(r.home, "bin", args[0])
	if _, err := os.Stat(path); err != nil {
		path = args[0]
	}
	cmd := exec.CommandContext(ctx, path, args[1:]...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, slices.Clone(r.env), strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		r.t.Errorf("%s: %v", strings.Join(args, " "), err)
	}
	return stderr.String() + stdout.String(), cmd.ProcessState.ExitCode()
}
