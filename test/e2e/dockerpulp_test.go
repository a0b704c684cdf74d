package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// pulpIn returns the variables of the family Pulp for containers on the network of docker, and the socket that takes what they log. The lab's
// services are at 127.0.0.1, which containers do not see.
func pulpIn(t *testing.T) (vars []string, socket string) {
	t.Helper()
	pulp(t)
	control(t, "mongodb", "reset")
	control(t, "amqp", "reset")
	at := func(to string) string {
		port := freePort(t)
		relayAt(t, net.JoinHostPort("0.0.0.0", port), to)
		return port
	}
	return []string{
		"PULP_SERVER_NAME=pulp.example.org", "SERVICE_HOST=" + gateway,
		"DB_SERVICE_PORT=" + at(env.lab.MongoDB), "MSG_SERVICE_PORT=" + at(env.lab.AMQP),
	}, strings.TrimSuffix(syslog(t)[1], ":/dev/log")
}

// says waits until a container has printed something so many times. The text has nothing that JSON quotes.
func (d *daemon) says(t *testing.T, id, text string, times int) {
	t.Helper()
	file := d.docker(t, "inspect", "--format", "{{.LogPath}}", id) // to start docker again and again would take a processor
	eventually(t, fmt.Sprintf("%s says %q %d times", id, text, times), func() bool {
		log, err := os.ReadFile(file)
		return err == nil && strings.Count(string(log), text) >= times
	})
}

// kill ends the container's first process as a crash would.
func (d *daemon) kill(t *testing.T, id string) {
	t.Helper()
	pid, err := strconv.Atoi(d.docker(t, "inspect", "--format", "{{.State.Pid}}", id))
	if err != nil || pid <= 1 {
		t.Fatalf("%s has the first process %d: %v", id, pid, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

// send sends a task of Pulp's from a container.
func (d *daemon) send(t *testing.T, id, task, arguments string) {
	t.Helper()
	d.docker(t, slices.Concat([]string{"exec", id}, celery, []string{"call", "pulp.server.async.tasks." + task, "--args=" + arguments})...)
}

// doneBy waits until the database says that a task with the argument is done, and returns the names of the workers that did it.
func (d *daemon) doneBy(t *testing.T, id, argument string) (workers string) {
	t.Helper()
	eventually(t, "the document of "+argument+" is in the database", func() bool {
		workers = d.docker(t, "exec", id, "python3", "-c", `
import os, pymongo, sys
db = pymongo.MongoClient(os.environ["SERVICE_HOST"], int(os.environ["DB_SERVICE_PORT"]))["pulp_database"]
print(" ".join(d["worker"] for d in db.task_results.find({"arguments": sys.argv[1]})))`, argument)
		return workers != ""
	})
	return workers
}

// record has a worker do a task by way of the manager, and returns the worker's name.
func (d *daemon) record(t *testing.T, manager, argument string) (worker string) {
	t.Helper()
	d.send(t, manager, "_queue_reserved_task", `["pulp.server.async.tasks.record", ["`+argument+`"]]`)
	return d.doneBy(t, manager, argument)
}

// A pulpProject is the family Pulp, with what its containers are.
type pulpProject struct {
	project
	beat, manager string
	workers       []string
}

// newPulpProject brings up the Compose file of Pulp, and waits until all roles work.
func newPulpProject(t *testing.T, d *daemon) pulpProject {
	t.Helper()
	vars, socket := pulpIn(t)
	p := pulpProject{project: project{daemon: d, folder: t.TempDir(), env: vars}}
	warm().run(t, "compose", "-f", pulpSpec(), "--registry", pulpRegistry(), "-o", filepath.Join(p.folder, "compose.yaml")).ok(t)
	roles := pulpImages[1:]
	var override strings.Builder
	override.WriteString(networkOverride + "services:\n")
	for _, role := range roles {
		fmt.Fprintf(&override, "  %s: { volumes: [{ type: bind, source: %q, target: /dev/log }] }\n", role, socket)
	}
	p.override(t, override.String())

	begin := time.Now()
	p.up(t)
	var ids []string
	for i, role := range roles {
		of := strings.Fields(p.run(t, "ps", "--all", "--quiet", role))
		if want := []int{1, 1, 2}[i]; len(of) != want {
			t.Fatalf("%s has the containers %v, want %d", role, of, want)
		}
		ids = append(ids, of...)
	}
	p.beat, p.manager, p.workers = ids[0], ids[1], ids[2:]
	p.works(t, 1)
	t.Logf("up after %s", time.Since(begin))
	return p
}

// works waits until all roles have said so many times that they work.
func (p pulpProject) works(t *testing.T, times int) {
	t.Helper()
	p.says(t, p.beat, beatIsReady, times)
	for _, id := range append(p.workers, p.manager) {
		p.says(t, id, workerIsReady, times)
	}
}

// nodes returns the names of the nodes that answer, in order.
func (p pulpProject) nodes(t *testing.T) []string {
	t.Helper()
	var answers map[string]json.RawMessage
	text := p.docker(t, slices.Concat([]string{"exec", p.manager}, celery, []string{"inspect", "ping", "--json", "--timeout=5"})...)
	if err := json.Unmarshal([]byte(text), &answers); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var names []string
	for name := range answers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// worker returns what the worker in a container calls itself: after its host, which has the container's short ID where there are several.
func worker(id string) string { return "reserved_resource_worker-0@" + id[:12] }

// Pulp works under Compose, and goes on after a crash of a worker and a restart of the daemon.
func TestDocker_pulp(t *testing.T) {
	d := newDaemon(t)
	p := newPulpProject(t, d)
	want := []string{worker(p.workers[0]), worker(p.workers[1]), "resource_manager@pulp-resource-manager"}
	slices.Sort(want)
	if got := p.nodes(t); !slices.Equal(got, want) {
		t.Errorf("%v answer, want %v", got, want)
	}
	d.doneBy(t, p.manager, "heartbeat") // what the beat sends
	if by := d.record(t, p.manager, "first"); !slices.Contains(want[:2], by) {
		t.Errorf("%s did the task", by)
	}
	d.docker(t, "exec", p.workers[0], "touch", "/var/lib/pulp/published/one")
	d.docker(t, "exec", p.workers[1], "test", "-f", "/var/lib/pulp/published/one")

	begin := time.Now()
	d.kill(t, p.workers[0])
	d.says(t, p.workers[0], workerIsReady, 2)
	t.Logf("a worker that was killed works after %s", time.Since(begin))
	d.docker(t, "stop", p.workers[1]) // so that the other one does it
	if by := d.record(t, p.manager, "after a crash"); by != worker(p.workers[0]) {
		t.Errorf("%s did the task", by)
	}
	d.docker(t, "start", p.workers[1])
	d.says(t, p.workers[1], workerIsReady, 2)

	begin = time.Now()
	d.stop(t)
	d.start(t)
	p.says(t, p.beat, beatIsReady, 2)
	p.says(t, p.manager, workerIsReady, 2)
	for _, id := range p.workers {
		p.says(t, id, workerIsReady, 3)
	}
	t.Logf("the daemon has been started again, and all works, after %s", time.Since(begin))
	if got := p.nodes(t); !slices.Equal(got, want) {
		t.Errorf("after the daemon, %v answer, want %v", got, want)
	}
	d.record(t, p.manager, "after the daemon")
	d.docker(t, "exec", p.workers[1], "test", "-f", "/var/lib/pulp/published/one")

	p.run(t, "stop")
	for _, id := range append(p.workers, p.beat, p.manager) {
		if got := d.docker(t, "inspect", "--format", "{{.State.ExitCode}} {{.State.OOMKilled}}", id); got != "0 false" {
			t.Errorf("%s ends with %s", d.docker(t, "inspect", "--format", "{{.Name}}", id), got)
		}
	}
	p.down(t)
}

// Each role of Pulp runs by itself, and ends when it is told to.
func TestDocker_pulpRoles(t *testing.T) {
	d := newDaemon(t)
	vars, socket := pulpIn(t)
	d.network(t)
	pulpimg := d.pulpimg().with(vars...)
	args := func(role string, more ...string) []string {
		return append([]string{"run", role, "-f", pulpSpec(), "--registry", pulpRegistry(), "--with", "docker", "--network", "roles", "-v", socket + ":/dev/log"}, more...)
	}
	ready := map[string]string{"pulp-beat": beatIsReady, "pulp-resource-manager": workerIsReady, "pulp-worker": workerIsReady}
	for _, role := range pulpImages[1:] {
		pulpimg.run(t, args(role, "-d")...).ok(t)
		t.Cleanup(func() { d.docker(t, "rm", "--force", "--volumes", role) })
	}
	for role, says := range ready {
		d.says(t, role, says, 1)
	}
	if by := d.record(t, "pulp-resource-manager", "by roles"); by != "reserved_resource_worker-0@pulp-worker" {
		t.Errorf("%s did the task", by)
	}
	d.send(t, "pulp-resource-manager", "sleep", "[2]")
	d.says(t, "pulp-worker", "Sleeping for 2 seconds", 1)
	for _, role := range []string{"pulp-worker", "pulp-resource-manager", "pulp-beat"} {
		d.docker(t, "stop", role)
		if got := d.docker(t, "inspect", "--format", "{{.State.ExitCode}}", role); got != "0" {
			t.Errorf("%s ends with %s", role, got)
		}
	}
	d.says(t, "pulp-worker", "succeeded in 2.", 1) // it finished its task

	for _, tt := range []struct {
		name string
		more []string
		says string
		code int
	}{
		{"works", []string{"--", "--loglevel=DEBUG"}, workerIsReady, 0},
		{"waits", []string{"-e", "DB_SERVICE_PORT=1"}, "try 1 of 12", 143},
	} {
		t.Run("a worker in the foreground that "+tt.name, func(t *testing.T) {
			foreground := pulpimg.start(t, args("pulp-worker", slices.Concat([]string{"--name", tt.name}, tt.more)...)...)
			t.Cleanup(func() {
				if t.Failed() {
					t.Log(foreground.stdout.String() + foreground.stderr.String())
				}
			})
			eventually(t, "it says "+tt.says, func() bool {
				return strings.Contains(foreground.stdout.String()+foreground.stderr.String(), tt.says)
			})
			if err := foreground.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if o := foreground.wait(t); o.code != tt.code {
				t.Errorf("exit code %d, want %d:\n%s%s", o.code, tt.code, o.stdout, o.stderr)
			}
			if left := d.docker(t, "ps", "--all", "--quiet", "--filter", "name="+tt.name); left != "" {
				t.Errorf("the container is still there: %s", left)
			}
		})
	}
}
