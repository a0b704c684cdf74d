package e2e

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// composeVariable names the variable with the path of the program docker-compose, which takes minutes to compile: make docker-test does it.
const composeVariable = "DOCKER_COMPOSE"

// A daemon is a docker of the test's own.
type daemon struct {
	dir     string
	compose string
	cmd     *exec.Cmd
	log     locked
}

// newDaemon starts a docker daemon. At the end of the test, nothing of it is left.
func newDaemon(t *testing.T) *daemon {
	t.Helper()
	d := &daemon{compose: os.Getenv(composeVariable)}
	if d.compose == "" {
		t.Skip("make docker-test runs it")
	}
	var err error
	if d.dir, err = os.MkdirTemp(env.dir, "docker"); err != nil { // a socket's path must not be long
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.stop(t)
		if t.Failed() {
			t.Log(d.log.String())
		}
		if err := unmountBelow(d.dir); err != nil {
			t.Error(err)
		}
		if _, err := net.InterfaceByName(bridge); err == nil { // of a test that failed: the daemon leaves it
			root(t, "ip", "link", "delete", bridge)
		}
	})
	d.start(t)
	return d
}

func (d *daemon) start(t *testing.T) {
	t.Helper()
	// Rules for its packets would be the machine's: without them, what containers publish is there all the same.
	d.cmd = exec.Command("dockerd", "--data-root", d.dir+"/root", "--exec-root", d.dir+"/exec", "--pidfile", d.dir+"/pid", "-H", d.host(), "--iptables=false", "--bridge=none")
	d.cmd.Stdout, d.cmd.Stderr = &d.log, &d.log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "docker answers", func() bool { return d.command(t, "docker", "version").Run() == nil })
}

// stop stops the daemon, and its containers.
func (d *daemon) stop(t *testing.T) {
	t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if err := d.cmd.Wait(); err != nil {
		t.Error(err)
	}
}

func (d *daemon) host() string { return "unix://" + d.dir + "/sock" }

// pulpimg returns the program on a machine that has this daemon.
func (d *daemon) pulpimg() program {
	return warm().with("DOCKER_HOST="+d.host(), "DOCKER_CONFIG="+d.dir+"/config")
}

func (d *daemon) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), name, args...) // also when the test ends
	cmd.Env = append(os.Environ(), "DOCKER_HOST="+d.host(), "DOCKER_CONFIG="+d.dir+"/config")
	return cmd
}

// docker returns what docker prints.
func (d *daemon) docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := d.command(t, "docker", args...).Output()
	if err != nil {
		var exit *exec.ExitError
		errors.As(err, &exit)
		t.Fatalf("docker %s: %v\n%s%s", strings.Join(args, " "), err, out, exit.Stderr)
	}
	return strings.TrimSpace(string(out))
}

// A project is a Compose file and what belongs to it.
type project struct {
	*daemon
	folder string
	env    []string
}

// run runs docker-compose.
func (p project) run(t *testing.T, args ...string) string {
	t.Helper()
	cmd := p.command(t, p.compose, args...)
	cmd.Dir, cmd.Env = p.folder, append(cmd.Env, p.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("docker-compose %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// override writes what differs on the test's machine from what the Compose file says.
func (p project) override(t *testing.T, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(p.folder, "compose.override.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// up starts everything. At the end of the test, nothing of it is left.
func (p project) up(t *testing.T) {
	t.Helper()
	t.Cleanup(func() { p.run(t, "down", "--volumes", "--timeout", "10") })
	p.run(t, "up", "--detach")
}

// down ends everything, of which nothing must be left.
func (p project) down(t *testing.T) {
	t.Helper()
	p.run(t, "down", "--volumes")
	left := p.docker(t, "ps", "--all", "--quiet") + p.docker(t, "volume", "ls", "--quiet") + p.docker(t, "network", "ls", "--quiet", "--filter", "type=custom")
	if left != "" {
		t.Errorf("down leaves %s", left)
	}
}

// inspect returns a fact about the container of a service.
func (p project) inspect(t *testing.T, service, fact string) string {
	t.Helper()
	return p.docker(t, "inspect", "--format", fact, strings.TrimSpace(p.run(t, "ps", "--all", "--quiet", service)))
}

// subnet is the network of the containers, in which the first address is this machine's. Docker's own choice would depend on the machine.
const (
	subnet, gateway = "172.31.231.0/24", "172.31.231.1"
	bridge, named   = "pulpimg-e2e", "com.docker.network.bridge.name"
	networkOverride = "networks: { default: { driver_opts: { " + named + ": " + bridge + " }, ipam: { config: [{ subnet: " + subnet + ", gateway: " + gateway + " }] } } }\n"
)

// network makes a network called roles for the length of the test.
func (d *daemon) network(t *testing.T) {
	t.Helper()
	d.docker(t, "network", "create", "--subnet", subnet, "--gateway", gateway, "--opt", named+"="+bridge, "roles")
	t.Cleanup(func() { d.docker(t, "network", "rm", "roles") })
}

// djangoProject publishes the family django and returns it as a Compose file.
func djangoProject(t *testing.T, d *daemon) (p project, pulpimg program, flags []string, port string) {
	t.Helper()
	place := registry(t)
	file := filepath.Join(env.root, "examples/django/pulpimg.yaml")
	python := pushPython(t, "python3-django", "python3-celery", "python3-redis", "gunicorn", "python3-whitenoise")
	policy := policyWith(t, map[string]string{"docker.io/library/python:3.13-slim": python})
	warm().run(t, "build", "-f", file, "--push", "--registry", place, "--source-policy", policy).ok(t)

	port = freePort(t)
	p = project{daemon: d, folder: t.TempDir(), env: []string{
		"SECRET_KEY=secret", "ALLOWED_HOSTS=127.0.0.1", "REDIS_HOST=" + gateway, "REDIS_PORT=" + redisAt(t, "0.0.0.0"),
	}}
	flags = []string{"-f", file, "--registry", place}
	pulpimg = d.pulpimg()
	pulpimg.run(t, append([]string{"compose", "-o", filepath.Join(p.folder, "compose.yaml")}, flags...)...).ok(t)
	p.override(t, networkOverride+"services: { django-web: { ports: !override [\"127.0.0.1:"+port+":8000\"] } }\n")
	return p, pulpimg, flags, port
}

var visits = regexp.MustCompile(`<h1>\d+ visits, \d+ ticks</h1>`)

// waitFor waits until the page at a URL is there.
func waitFor(t *testing.T, url string) {
	t.Helper()
	eventually(t, url+" is there", func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		return errors.Join(response.Body.Close()) == nil && response.StatusCode == http.StatusOK
	})
}

// answers waits until the page of the example django is there.
func answers(t *testing.T, port string) {
	t.Helper()
	waitFor(t, "http://127.0.0.1:"+port)
	if got := fetch(t, http.MethodGet, "http://127.0.0.1:"+port, ""); !visits.MatchString(got) {
		t.Errorf("the page is\n%s", got)
	}
}

// A whole family comes up with Compose at once, its job first, and outlives a crash and the daemon.
func TestDocker_compose(t *testing.T) {
	d := newDaemon(t)
	p, _, _, port := djangoProject(t, d)
	begin := time.Now()
	p.up(t)
	answers(t, port)
	t.Logf("up after %s", time.Since(begin))
	const state = "{{.State.Status}} {{.State.ExitCode}} {{.State.StartedAt}}"
	migrated := p.inspect(t, "django-migrate", state)
	if !strings.HasPrefix(migrated, "exited 0 ") {
		t.Errorf("migrate is %s", migrated)
	}
	if started := p.inspect(t, "django-web", "{{.State.StartedAt}}"); started < p.inspect(t, "django-migrate", "{{.State.FinishedAt}}") {
		t.Errorf("web started at %s", started)
	}

	d.kill(t, p.inspect(t, "django-web", "{{.Id}}"))
	eventually(t, "web is started again", func() bool { return p.inspect(t, "django-web", "{{.RestartCount}} {{.State.Running}}") == "1 true" })
	answers(t, port)

	d.stop(t)
	d.start(t)
	answers(t, port)
	if got := p.inspect(t, "django-migrate", state); got != migrated {
		t.Errorf("migrate is %s, and was %s", got, migrated)
	}
	for _, service := range []string{"django-web", "django-worker", "django-beat"} {
		if got := p.inspect(t, service, "{{.State.Running}} {{.HostConfig.CapAdd}}"); got != "true [KILL SETGID SETUID]" && got != "true [CAP_KILL CAP_SETGID CAP_SETUID]" {
			t.Errorf("%s: %s", service, got)
		}
	}

	p.down(t)
}

// Each role runs, and what was only built is loaded.
func TestDocker_run(t *testing.T) {
	d := newDaemon(t)
	p, pulpimg, flags, port := djangoProject(t, d)
	d.network(t)
	options := slices.Concat([]string{"--network", "roles", "--with", "docker"}, flags)
	for _, assignment := range p.env {
		options = append(options, "-e", assignment)
	}
	run := func(role string, more ...string) outcome {
		t.Helper()
		return pulpimg.run(t, slices.Concat([]string{"run", role}, options, more)...)
	}
	if o := run("django-migrate", "-e", "SECRET_KEY=", "--env", "REDIS_HOST=x"); o.code == 0 {
		t.Errorf("without a secret key, it ends with 0: %s", o.stderr)
	}
	if o := run("django-migrate", "--restart", "always"); o.code != 64 || !strings.Contains(o.stderr, "django-migrate is a job, which runs once") {
		t.Errorf("exit code %d: %s", o.code, o.stderr)
	}
	if o := run("django-migrate", "--", "--plan", "--no-such-flag"); o.code != 2 { // what Python's argparse ends with
		t.Errorf("a job that fails ends with %d: %s", o.code, o.stderr)
	}
	run("django-migrate").ok(t)
	for _, role := range []string{"django-worker", "django-beat"} {
		run(role, "-d").ok(t)
		t.Cleanup(func() { d.docker(t, "rm", "--force", "--volumes", role) })
	}
	run("django-web", "-d", "-p", "127.0.0.1:"+port+":8000").ok(t)
	t.Cleanup(func() { d.docker(t, "rm", "--force", "--volumes", "django-web") })
	answers(t, port)
	if got := d.docker(t, "logs", "django-web"); strings.Contains(got, "Traceback") {
		t.Error(got)
	}
	for _, role := range []string{"django-web", "django-worker", "django-beat"} {
		d.docker(t, "stop", role)
		if got := d.docker(t, "inspect", "--format", "{{.State.ExitCode}}", role); got != "0" {
			t.Errorf("%s ends with %s", role, got)
		}
	}

	other := registry(t) + "/loaded"
	hello := specFile(t, "version: 1\nname: hello\nregistry: r\ntag: \"1\"\nimages: { hello: { from: scratch, steps: [ helpers: [exec] ], start: { command: [/x] } } }\n", nil)
	pulpimg.run(t, "build", "-f", hello, "--load", "--registry", other).ok(t)
	if got := d.docker(t, "image", "ls", "--format", "{{.Repository}}"); !strings.Contains(got, other+"/") {
		t.Errorf("docker has %s", got)
	}
}
