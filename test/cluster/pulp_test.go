package cluster

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// bits are the numbers of capabilities; see capabilities(7).
var bits = map[corev1.Capability]uint{"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "FSETID": 4, "KILL": 5, "SETGID": 6, "SETUID": 7}

// pushPulp builds and publishes the Pulp images.
var pushPulp = onceFor(func(t *testing.T) string {
	pulpimg(t, "build", "-f", pulpSpec(), "--source-policy", env.lab.policy, "--push", "--registry", env.place+"/pulp")
	return env.place + "/pulp"
})

func pulpSpec() string { return filepath.Join(env.root, "specs/pulp.yaml") }

func pulpObjects(t *testing.T, args ...string) string {
	t.Helper()
	return manifests(t, pulpSpec(), append(args, "--registry", pushPulp(t), "--env", "PULP_SERVER_NAME=pulp.example.org",
		"--service", "db="+Node, "--service", "msg="+Node)...)
}

// The lab's database and broker are Services of the cluster.
func TestPulp_allRoles(t *testing.T) {
	n := newNamespace(t, "pulp")
	n.addVolume(t, "100Gi")
	ready := n.apply(t, pulpObjects(t))
	pods := strings.Fields(n.kubectl(t, "get", "pods", "-o", "jsonpath={.items[*].metadata.name}"))
	if len(pods) != 4 {
		t.Errorf("the pods are %v, want four", pods)
	}
	var done []string
	note := func(format string, args ...any) { done = append(done, fmt.Sprintf(format, args...)) }

	for _, pod := range pods {
		n.hasCapabilities(t, pod)
	}
	note("%d pods ready, their capabilities as printed", len(pods))
	for _, worker := range workers {
		note("%s works after %s more", worker, eventually(t, worker+" works", time.Minute, n.says(t, worker, "ready.")))
	}
	note("what the beat sends is done after %s more", eventually(t, "a heartbeat is in the database", time.Minute, func() bool {
		return n.done(t, "heartbeat") != ""
	}))
	note("%s", n.handsOn(t))
	note("%s", n.endsWorker(t))

	control(t, "mongodb", "stop")
	t.Cleanup(func() { control(t, "mongodb", "start") })
	// A new one: Celery may not end while a task of it fails for want of the database.
	n.kubectl(t, "scale", "statefulset/pulp-worker", "--replicas=3")
	note("without the database, a third worker ends with 69 and is restarted: after %s",
		eventually(t, "the worker ends with 69", 3*time.Minute, func() bool { return n.restarted("pulp-worker-2", "69") }))
	control(t, "mongodb", "start")
	note("the database is back: that worker works after %s", eventually(t, "the worker works", 2*time.Minute, n.says(t, "pulp-worker-2", "ready.")))
	n.wait(t)
	env.rows = append(env.rows, row{"specs/pulp.yaml", ready, strings.Join(done, "\n")})
}

// workers are the pods of Pulp that do tasks.
var workers = []string{"pulp-worker-0", "pulp-worker-1"}

// done returns the names of the workers that have done a task with the argument: what the database says.
func (n namespace) done(t *testing.T, argument string) string {
	t.Helper()
	return n.kubectl(t, "exec", workers[0], "--", "python3", "-c", `
import os, pymongo, sys
db = pymongo.MongoClient(os.environ["DB_SERVICE_HOST"], int(os.environ["DB_SERVICE_PORT"]))["pulp_database"]
print(" ".join(d["worker"] for d in db.task_results.find({"arguments": sys.argv[1]})))`, argument)
}

// call sends a task of Pulp's.
func (n namespace) call(t *testing.T, task, arguments string) {
	t.Helper()
	n.kubectl(t, "exec", workers[0], "--", "celery", "--app=pulp.server.async.app", "call", "pulp.server.async.tasks."+task, "--args="+arguments)
}

// handsOn has the resource manager hand a task on to one of the workers.
func (n namespace) handsOn(t *testing.T) string {
	t.Helper()
	n.call(t, "_queue_reserved_task", `["pulp.server.async.tasks.record", ["by way of the manager"]]`)
	var by string
	took := eventually(t, "the task's document is in the database", time.Minute, func() bool {
		by = n.done(t, "by way of the manager")
		return by != ""
	})
	if !slices.ContainsFunc(workers, func(pod string) bool { return strings.HasSuffix(by, "@"+pod) }) {
		t.Errorf("the task was done by %q, want a worker that has the name of its pod", by)
	}
	return "a task went by way of the resource manager to " + by + ", and was done after " + took
}

// endsWorker deletes a worker while it works on a task, which it has to finish first.
func (n namespace) endsWorker(t *testing.T) string {
	t.Helper()
	n.call(t, "sleep", "[5]")
	var busy string
	eventually(t, "a worker has the task", time.Minute, func() bool {
		i := slices.IndexFunc(workers, func(pod string) bool { return n.says(t, pod, "Sleeping for 5 seconds")() })
		if i >= 0 {
			busy = workers[i]
		}
		return busy != ""
	})
	log := make(chan string, 1)
	go func() { // ends with the container
		text, err := n.Kubectl(env.ctx, "-n", n.name, "logs", "--follow", busy)
		log <- fmt.Sprint(text, err)
	}()
	began := time.Now()
	n.kubectl(t, "delete", "pod", busy)
	took := since(began)
	if text := <-log; !strings.Contains(text, "Warm shutdown") || !strings.Contains(text, "succeeded in 5.") {
		t.Errorf("%s did not finish its task:\n%s", busy, text)
	}
	n.wait(t)
	return "a worker that was deleted finished its task of 5 s, and had ended after " + took
}

// hasCapabilities compares what a pod's container may do with what its object says, and has its first process do with nothing.
func (n namespace) hasCapabilities(t *testing.T, pod string) {
	t.Helper()
	var want uint64
	for _, c := range get[corev1.Pod](t, n, "pod", pod).Spec.Containers[0].SecurityContext.Capabilities.Add {
		bit, ok := bits[c]
		if !ok {
			t.Fatalf("%s has the capability %s, of which this test does not know", pod, c)
		}
		want |= 1 << bit
	}
	if got := n.status(t, pod, "self", "CapBnd"); got != want {
		t.Errorf("a command in %s may have the capabilities %x, want %x", pod, got, want)
	}
	eventually(t, pod+" is no longer root", time.Minute, func() bool { return n.status(t, pod, "1", "CapEff") == 0 })
	if got := n.status(t, pod, "1", "NoNewPrivs"); got != 1 {
		t.Errorf("the first process of %s may get privileges", pod)
	}
}

// status returns a number in the status of a process of the pod.
func (n namespace) status(t *testing.T, pod, process, field string) uint64 {
	t.Helper()
	for line := range strings.Lines(n.kubectl(t, "exec", pod, "-c", get[corev1.Pod](t, n, "pod", pod).Spec.Containers[0].Name, "--", "cat", "/proc/"+process+"/status")) {
		if text, ok := strings.CutPrefix(line, field+":"); ok {
			number, err := strconv.ParseUint(strings.TrimSpace(text), 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return number
		}
	}
	t.Fatalf("the status of a process of %s has no %s", pod, field)
	return 0
}

// What the article of 2014 began with: one pod of the beat, with everything that it needs written out.
func TestPulp_barePod(t *testing.T) {
	n := newNamespace(t, "pod")
	began := time.Now()
	n.kubectl(t, "apply", "-k", pulpObjects(t, "--kind", "pod", "pulp-beat"))
	n.kubectl(t, "wait", "--for=condition=Ready", "pod/pulp-beat", "--timeout=120s")
	ready := since(began)
	works := eventually(t, "the beat works", 2*time.Minute, n.says(t, "pulp-beat", "beat: Starting"))
	n.hasCapabilities(t, "pulp-beat")
	env.rows = append(env.rows, row{"--kind pod pulp-beat", ready, "the beat works after " + works + ", its capabilities as printed"})
}

// control has the lab do something with a service.
func control(t *testing.T, name, action string) {
	t.Helper()
	answer, err := http.Post(env.lab.control+"/"+name+"/"+action, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusNoContent {
		t.Fatalf("the lab cannot %s %s: %s", action, name, answer.Status)
	}
}
