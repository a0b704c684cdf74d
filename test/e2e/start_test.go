package e2e

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// celery begins the command line of all that runs the application.
var celery = []string{"celery", "--app=pulp.server.async.app"}

// A site is the services of the lab, empty, at the ports where everybody expects them.
type site struct{ db, broker string }

// newSite makes the lab's services as they were when they were installed.
func newSite(t *testing.T) site {
	t.Helper()
	control(t, "mongodb", "reset")
	control(t, "amqp", "reset")
	return site{db: relay(t, "27017", env.lab.MongoDB), broker: relay(t, "5672", env.lab.AMQP)}
}

// options are those of a container that is told where the services are, and nothing else that has a default.
func (s site) options(t *testing.T) []string {
	t.Helper()
	return append(syslog(t), "--env", "PULP_SERVER_NAME=pulp.example.org", "--env", "DB_SERVICE_HOST="+s.db, "--env", "MSG_SERVICE_HOST="+s.broker)
}

// role starts a container of an image of the family.
func (s site) role(t *testing.T, name string, more ...string) container {
	t.Helper()
	pulp(t)
	return podman{}.detach(t, pulpRegistry()+"/"+name+pulpTag, append(s.options(t), more...)...)
}

// query runs a script of Python's against the database, as db, and returns what it prints as JSON.
func query[T any](t *testing.T, s site, script string) (out T) {
	t.Helper()
	pulp(t)
	text := podman{}.python(t, pulpRegistry()+"/pulp-base"+pulpTag,
		"import json, pymongo, sys\ndb = pymongo.MongoClient(sys.argv[1])['pulp_database']\nprint(json.dumps("+script+"))", s.db)
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return out
}

// collections returns the names of the collections in the database.
func (s site) collections(t *testing.T) []string {
	t.Helper()
	return query[[]string](t, s, "sorted(db.list_collection_names())")
}

// ready is what each role says when it works.
const (
	beatIsReady   = "beat: Starting"
	workerIsReady = " ready."
)

// Beat starts with three variables.
func TestBeat_threeVariables(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	s := newSite(t)
	if got := s.collections(t); len(got) > 0 {
		t.Fatalf("before the start, the database has %q", got)
	}
	beat := s.role(t, "pulp-beat")
	beat.says(t, beatIsReady)

	t.Run("the settings have the values", func(t *testing.T) {
		var got map[string]string
		text := beat.exec(t, "python3", "-c", `
import json
from pulp.server import config
c = config.load()
print(json.dumps({s + "/" + k: c[s][k] for s, k in
    [("server", "server_name"), ("database", "seeds"), ("messaging", "url"), ("tasks", "broker_url")]}))`)
		if err := json.Unmarshal([]byte(text), &got); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		want := map[string]string{
			"server/server_name": "pulp.example.org",
			"database/seeds":     s.db + ":27017",
			"messaging/url":      "tcp://" + s.broker + ":5672",
			"tasks/broker_url":   "qpid://guest@" + s.broker + ":5672",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("server.conf (-want +got):\n%s", diff)
		}
	})
	t.Run("the database has its collections", func(t *testing.T) {
		if got := s.collections(t); !slices.Contains(got, "users") || !slices.Contains(got, "task_status") {
			t.Errorf("the database has %q", got)
		}
	})
	t.Run("the broker has the queue", func(t *testing.T) {
		beat.says(t, "Sending due task heartbeat")
		// A passive declaration fails when there is no such queue.
		beat.exec(t, "python3", "-c", `
import sys, kombu
kombu.Connection("amqp://%s" % sys.argv[1]).channel().queue_declare("celery", passive=True)`, s.broker)
	})
	t.Run("its first process is the scheduler, without root's rights", func(t *testing.T) { beat.isService(t, "beat") })
}

// isService says that the container's first process is this command of Celery's, and apache's.
func (c container) isService(t *testing.T, command string) {
	t.Helper()
	line := strings.ReplaceAll(c.exec(t, "cat", "/proc/1/cmdline"), "\x00", " ")
	if want := "/usr/bin/celery --app=pulp.server.async.app " + command; !strings.Contains(line, want) {
		t.Errorf("the first process is %q, want %q", line, want)
	}
	for line := range strings.Lines(c.exec(t, "cat", "/proc/1/status")) {
		if ids, ok := strings.CutPrefix(line, "Uid:"); ok && strings.Join(strings.Fields(ids), " ") != "48 48 48 48" {
			t.Errorf("the first process has the user IDs %s, want apache's", ids)
		}
	}
}

func TestFamily_works(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	s := newSite(t)
	beat := s.role(t, "pulp-beat")
	manager := s.role(t, "pulp-resource-manager", "--hostname", "manager")
	workers := []container{s.role(t, "pulp-worker", "--hostname", "worker-1"), s.role(t, "pulp-worker", "--hostname", "worker-2")}
	beat.says(t, beatIsReady)
	for _, c := range append(workers, manager) {
		c.says(t, workerIsReady)
	}

	t.Run("all answer, each by a name of its own", func(t *testing.T) {
		answers := manager.answering(t)
		for _, name := range []string{"resource_manager@manager", "reserved_resource_worker-0@worker-1", "reserved_resource_worker-0@worker-2"} {
			if !strings.Contains(string(answers[name]), "pong") {
				t.Errorf("%s does not answer: %s", name, answers)
			}
		}
	})
	t.Run("a task goes from the manager to a worker and into the database", func(t *testing.T) {
		manager.exec(t, append(celery, "call", "pulp.server.async.tasks._queue_reserved_task",
			`--args=["pulp.server.async.tasks.record", ["by way of the manager"]]`)...)
		var by []string
		eventually(t, "the task's document is there", func() bool {
			by = query[[]string](t, s, `[d["worker"] for d in db.task_results.find({"arguments": "by way of the manager"})]`)
			return len(by) > 0
		})
		if len(by) != 1 || !strings.HasPrefix(by[0], "reserved_resource_worker-0@worker-") {
			t.Errorf("it was done by %q", by)
		}
	})
	t.Run("what beat sends is done", func(t *testing.T) {
		eventually(t, "the heartbeat's document is there", func() bool {
			return query[int](t, s, `db.task_results.count_documents({"arguments": "heartbeat"})`) > 0
		})
	})
	for _, c := range append(workers, manager) {
		t.Run(path.Base(c.image)+" is the service itself", func(t *testing.T) { c.isService(t, "worker") })
	}
	for _, c := range append(workers, manager, beat) {
		t.Run(path.Base(c.image)+" ends when it is told to", func(t *testing.T) {
			if code := c.stop(t); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
			// Beat has nothing to finish, and says nothing.
			if c.name != beat.name && !strings.Contains(c.logs(t), "Warm shutdown") {
				t.Errorf("there was no warm shutdown:\n%s", c.logs(t))
			}
		})
	}
}

// A worker finishes its task when it is stopped.
func TestWorker_finishesItsTask(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	s := newSite(t)
	worker := s.role(t, "pulp-worker")
	worker.says(t, workerIsReady)
	worker.exec(t, append(celery, "call", "pulp.server.async.tasks.sleep", "--args=[2]")...)
	worker.says(t, "Sleeping for 2 seconds")
	if code := worker.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	if output := worker.logs(t); !strings.Contains(output, "Warm shutdown") || !strings.Contains(output, "succeeded in ") {
		t.Errorf("it did not finish its task:\n%s", output)
	}
}

// Only beat prepares the database.
func TestBeat_preparesTheDatabase(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	s := newSite(t)
	for _, name := range []string{"pulp-resource-manager", "pulp-worker"} {
		s.role(t, name).says(t, workerIsReady)
	}
	if got := s.collections(t); len(got) > 0 {
		t.Errorf("without beat, the database has %q", got)
	}
}

// Starting beat a second time does no harm.
func TestBeat_secondTime(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	s := newSite(t)
	state := func() map[string]int {
		return query[map[string]int](t, s, `{n: db[n].count_documents({}) for n in db.list_collection_names() if n != "task_results"}`)
	}
	first := s.role(t, "pulp-beat")
	first.says(t, beatIsReady)
	before := state()
	if code := first.stop(t); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	s.role(t, "pulp-beat").says(t, beatIsReady)
	if diff := cmp.Diff(before, state()); diff != "" || before["users"] != 1 {
		t.Errorf("the documents of each collection (-first start +second start):\n%s", diff)
	}
	first.run(t, "start", first.name)
	first.saysTimes(t, beatIsReady, 2)
	if diff := cmp.Diff(before, state()); diff != "" {
		t.Errorf("the documents of each collection (-first start +third start):\n%s", diff)
	}
}

// A container waits for a database that starts late.
func TestStart_lateDatabase(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	s := newSite(t)
	control(t, "mongodb", "stop")
	t.Cleanup(func() { control(t, "mongodb", "start") })
	host, port := split(t, env.lab.MongoDB)
	beat := s.role(t, "pulp-beat", envs("DB_SERVICE_HOST="+host, "DB_SERVICE_PORT="+port)...) // not by way of the relay, which is never down
	beat.says(t, "try 1 of 12")
	control(t, "mongodb", "start")
	beat.says(t, beatIsReady)
}

// A container that waits ends when it is stopped.
func TestStart_stoppedWhileWaiting(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	host, port := unused(t)
	options := append(syslog(t), envs("PULP_SERVER_NAME=pulp.example.org", "DB_SERVICE_HOST="+host, "DB_SERVICE_PORT="+port)...)
	beat := podman{}.detach(t, pulpRegistry()+"/pulp-beat"+pulpTag, options...)
	beat.says(t, "try 1 of 12")
	if code := beat.stop(t); code != 143 {
		t.Errorf("exit code %d, want that of SIGTERM, 143", code)
	}
	if output := beat.logs(t); !strings.Contains(output, "ended by SIGTERM") {
		t.Errorf("it said:\n%s", output)
	}
}

// The variables that Kubernetes sets are enough.
func TestStart_kubernetesVariables(t *testing.T) {
	pulp(t)
	env.lanes.services.enter(t)
	s := newSite(t)
	_, port := split(t, env.lab.AMQP)
	// What a kubelet sets for Services called db and msg, in the order of its documentation.
	// https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
	var injected []string
	for name, at := range map[string][2]string{"DB": {s.db, "27017"}, "MSG": {"127.0.0.1", port}} {
		host, port := at[0], at[1]
		url := fmt.Sprintf("tcp://%s:%s", host, port)
		for _, v := range []string{
			"_SERVICE_HOST=" + host, "_SERVICE_PORT=" + port, "_PORT=" + url, "_PORT_" + port + "_TCP=" + url,
			"_PORT_" + port + "_TCP_PROTO=tcp", "_PORT_" + port + "_TCP_PORT=" + port, "_PORT_" + port + "_TCP_ADDR=" + host,
		} {
			injected = append(injected, "--env", name+v)
		}
	}
	options := append(append(syslog(t), "--env", "PULP_SERVER_NAME=pulp.example.org"), injected...)
	podman{}.detach(t, pulpRegistry()+"/pulp-worker"+pulpTag, options...).says(t, workerIsReady)
}
