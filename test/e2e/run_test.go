package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"gopkg.in/yaml.v3"
)

// user returns pulpimg on the machine of somebody whose podman is set up for this kind of machine, and the lab's registry.
func (p podman) user(t *testing.T) program {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) string {
		name = filepath.Join(dir, name)
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return name
	}
	return warm().with(
		"CONTAINERS_STORAGE_CONF="+p.storageConf(t),
		"CONTAINERS_CONF="+write("containers.conf", `[containers]
default_ulimits = ["nofile=1024:20000", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
`),
		"CONTAINERS_REGISTRIES_CONF="+write("registries.conf", "[[registry]]\nlocation = \""+env.lab.Registry+"\"\ninsecure = true\n"),
	)
}

// direct are the variables of a container that talks to the lab's servers without a relay between, so that they can go down.
func direct(t *testing.T) map[string]string {
	t.Helper()
	control(t, "mongodb", "reset")
	control(t, "amqp", "reset")
	dbHost, dbPort := split(t, env.lab.MongoDB)
	msgHost, msgPort := split(t, env.lab.AMQP)
	return map[string]string{
		"PULP_SERVER_NAME": "pulp.example.org",
		"DB_SERVICE_HOST":  dbHost, "DB_SERVICE_PORT": dbPort, "MSG_SERVICE_HOST": msgHost, "MSG_SERVICE_PORT": msgPort,
	}
}

// kill ends the container's first process as a crash would.
func (c container) kill(t *testing.T) {
	t.Helper()
	var pid int
	eventually(t, c.image+" runs", func() bool { // it may be about to be restarted
		var err error
		pid, err = strconv.Atoi(c.run(t, "inspect", "--format", "{{.State.Pid}}", c.name))
		return err == nil && pid > 1
	})
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// answering returns the names of the nodes that answer, and the output of all.
func (c container) answering(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	var answers map[string]json.RawMessage
	text := c.exec(t, append(celery, "inspect", "ping", "--json", "--timeout=5")...) // one second is what it takes on a busy machine
	if err := json.Unmarshal([]byte(text), &answers); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return answers
}

// doTask has a task done by way of the manager and waits until a worker says that it did it.
func doTask(t *testing.T, manager, worker container) {
	t.Helper()
	before := strings.Count(worker.logs(t), "succeeded in")
	manager.exec(t, append(celery, "call", "pulp.server.async.tasks._queue_reserved_task", `--args=["pulp.server.async.tasks.record", ["by way of the manager"]]`)...)
	worker.saysTimes(t, "succeeded in", before+1)
}

func TestRun_family(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	variables := direct(t)
	mounted := syslog(t)
	user := podman{}.user(t)
	for name, value := range variables {
		user = user.with(name + "=" + value) // from the environment
	}
	start := func(image, suffix string) container {
		c := container{name: fmt.Sprintf("pulpimg-e2e-%d-run-%s%s", os.Getpid(), image, suffix), image: image}
		o := user.run(t, append([]string{"run", "-f", pulpSpec(), image, "-d", "--with", "podman", "--name", c.name, "--network", "host", "--restart", "always"}, mounted...)...).ok(t)
		c.removeAfter(t, strings.TrimSpace(o.stdout))
		return c
	}
	beat, manager := start("pulp-beat", ""), start("pulp-resource-manager", "")
	workers := []container{start("pulp-worker", "-1"), start("pulp-worker", "-2")}
	beat.says(t, beatIsReady)
	for _, c := range append(workers, manager) {
		c.says(t, workerIsReady)
	}

	t.Run("the images are those that were published", func(t *testing.T) {
		for _, img := range pulp(t).Images {
			if img.Image == "pulp-beat" {
				want, err := image(t, img.Reference).ConfigName() // podman may have it under its tag already
				if err != nil {
					t.Fatal(err)
				}
				if got := beat.run(t, "inspect", "--format", "{{.Image}}", beat.name); got != want.Hex {
					t.Errorf("beat is %s, want %s, which was published as %s", got, want.Hex, img.Digest)
				}
			}
		}
	})
	t.Run("all answer, each by a name of its own", func(t *testing.T) {
		answers := manager.answering(t)
		for _, want := range []string{"resource_manager@" + manager.name, "reserved_resource_worker-0@" + workers[0].name, "reserved_resource_worker-0@" + workers[1].name} {
			if _, ok := answers[want]; !ok {
				t.Errorf("%s does not answer: %v", want, answers)
			}
		}
	})
	t.Run("the workers share their files", func(t *testing.T) {
		workers[0].exec(t, "touch", "/var/lib/pulp/published/one")
		workers[1].exec(t, "test", "-f", "/var/lib/pulp/published/one")
	})
	t.Run("it comes back after the database was away", func(t *testing.T) {
		control(t, "mongodb", "stop")
		t.Cleanup(func() { control(t, "mongodb", "start") })
		for _, c := range append(workers, beat) {
			c.kill(t)
			c.says(t, "try 1 of 12")
		}
		workers[0].kill(t) // once more, while it waits
		workers[0].saysTimes(t, "try 1 of 12", 2)
		control(t, "mongodb", "start")
		beat.saysTimes(t, beatIsReady, 2)
		for _, c := range workers {
			c.saysTimes(t, workerIsReady, 2)
		}
		workers[1].stop(t) // so that the other one does it
		doTask(t, manager, workers[0])
	})
	for _, c := range []container{beat, manager, workers[0]} {
		t.Run(c.image+" ends when it is told to", func(t *testing.T) {
			if code := c.stop(t); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
		})
	}
}

// Run in the foreground passes on signals, output and exit code of the container.
func TestRun_foreground(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	variables := direct(t)
	name := fmt.Sprintf("pulpimg-e2e-%d-foreground", os.Getpid())
	args := append([]string{"run", "-f", pulpSpec(), "pulp-worker", "--with", "podman", "--name", name, "--network", "host"}, syslog(t)...)
	for variable, value := range variables {
		args = append(args, "-e", variable+"="+value)
	}
	foreground := podman{}.user(t).start(t, append(args, "--", "--loglevel=DEBUG")...)
	eventually(t, "the worker is ready", func() bool {
		return strings.Contains(foreground.stderr.String()+foreground.stdout.String(), workerIsReady)
	})
	if err := foreground.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	o := foreground.wait(t)
	if output := o.stdout + o.stderr; o.code != 0 || !strings.Contains(output, "Warm shutdown") || !strings.Contains(output, "DEBUG") {
		t.Errorf("exit code %d:\n%s", o.code, output)
	}
	if left := (podman{}).run(t, "ps", "--all", "--quiet", "--filter", "name="+name); left != "" {
		t.Errorf("the container is still there: %s", left)
	}
}

// A process that is not root listens at a port below 1024, as it does in a cluster.
func TestRun_privilegedPort(t *testing.T) {
	env.lanes.warm.enter(t)
	spec := specFile(t, `
version: 1
name: low
registry: docker.io/lab
tag: "1"
images:
  base:
    from: docker.io/library/fedora:20
    steps: [ helpers: [exec] ]
  web:
    from: base
    ports: ["80"]
    start: { user: nobody, command: [/usr/bin/python3, -c, "import os, socket; socket.socket().bind(('', 80)); print('at 80 as', os.getuid())"] }
`, nil)
	place := registry(t)
	warm().build(t, "-f", spec, "--registry", place, "--push").ok(t)
	name := fmt.Sprintf("pulpimg-e2e-%d-low", os.Getpid())
	for _, options := range [][]string{{"-p", "127.0.0.1::80"}, {"--network", "none"}} {
		o := podman{}.user(t).run(t, append([]string{"run", "-f", spec, "--registry", place, "web", "--with", "podman", "--name", name}, options...)...).ok(t)
		if o.stdout != "at 80 as 65534\n" {
			t.Errorf("%v: it says %q", options, o.stdout)
		}
		eventually(t, "nothing is left of the container", func() bool { return len(processes(name)) == 0 })
	}
}

// A composeService is what is read of a service in a Compose file.
type composeService struct {
	Image       string
	Hostname    string
	Scale       int
	Restart     string
	Environment map[string]*string
	Volumes     []struct{ Type, Source, Target string }
	CapDrop     []string `yaml:"cap_drop"`
	CapAdd      []string `yaml:"cap_add"`
	SecurityOpt []string `yaml:"security_opt"`
}

// options returns what podman has to be told for the container to be as the file says, with the variables as Compose would put them in.
func (s composeService) options(t *testing.T, variables map[string]string, log string) []string {
	t.Helper()
	out := []string{"--restart", s.Restart}
	if s.Hostname != "" {
		out = append(out, "--hostname", s.Hostname)
	}
	for name, value := range s.Environment {
		given, ok := variables[name]
		if value != nil && !strings.HasPrefix(*value, "${"+name+":?") {
			t.Errorf("%s=%s", name, *value)
		}
		if ok {
			out = append(out, "--env", name+"="+given)
		}
	}
	for _, v := range s.Volumes {
		if v.Source == "/dev/log" {
			v.Source = log
		}
		out = append(out, "--volume", v.Source+":"+v.Target)
	}
	for _, c := range s.CapDrop {
		out = append(out, "--cap-drop", c)
	}
	for _, c := range s.CapAdd {
		out = append(out, "--cap-add", c)
	}
	for _, o := range s.SecurityOpt {
		out = append(out, "--security-opt", o)
	}
	return out
}

// The family is started by the values of the compose file.
func TestRun_valuesOfTheComposeFile(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	variables := direct(t)
	log := strings.TrimSuffix(syslog(t)[1], ":/dev/log")
	var file struct{ Services map[string]composeService }
	if err := yaml.Unmarshal([]byte(warm().run(t, "compose", "-f", pulpSpec(), "--registry", pulpRegistry()).ok(t).stdout), &file); err != nil {
		t.Fatal(err)
	}
	askDatabase := []string{"/usr/bin/pulp-helper", "wait", "--tries", "1", "database"}
	control(t, "mongodb", "stop")
	t.Cleanup(func() { control(t, "mongodb", "start") })
	started := map[string][]container{}
	for name, service := range file.Services {
		for i := range max(service.Scale, 1) {
			options := service.options(t, variables, log)
			if service.Hostname == "" {
				options = append(options, "--hostname", fmt.Sprintf("%s-%d", name, i+1))
			}
			started[name] = append(started[name], podman{}.detach(t, service.Image, options...))
		}
	}
	if len(started["pulp-worker"]) != 2 || len(started) != 3 {
		t.Fatalf("got %v", started)
	}
	for name, containers := range started {
		for _, c := range containers {
			c.says(t, "try 1 of 12")
			c.kill(t) // as if it had given up
			c.saysTimes(t, "try 1 of 12", 2)
			var exit *exec.ExitError
			err := c.command(append([]string{"exec", c.name}, askDatabase...)...).Run()
			if !errors.As(err, &exit) || exit.ExitCode() != 69 {
				t.Errorf("without a database, %s says of it %v, want the exit code 69", name, err)
			}
		}
	}
	control(t, "mongodb", "start")
	manager := started["pulp-resource-manager"][0]
	started["pulp-beat"][0].says(t, beatIsReady)
	for _, c := range append(started["pulp-worker"], manager) {
		c.says(t, workerIsReady)
	}
	for _, containers := range started {
		for _, c := range containers {
			c.exec(t, askDatabase...)
		}
	}
	if answers := manager.answering(t); len(answers) != 3 {
		t.Errorf("got answers of %v", answers)
	}
	started["pulp-worker"][1].stop(t)
	doTask(t, manager, started["pulp-worker"][0])
}
