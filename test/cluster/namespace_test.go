package cluster

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A namespace is one of the cluster, for one test: Services are told to all containers of their namespace.
type namespace struct {
	*Cluster
	name string
}

func newNamespace(t *testing.T, name string) namespace {
	t.Helper()
	n := namespace{start(t), name}
	n.kubectl(t, "create", "namespace", name)
	t.Cleanup(func() {
		if t.Failed() {
			n.tell(t)
		}
		// The next test has the machine for itself.
		if _, err := n.Kubectl(env.ctx, "delete", "namespace", name, "--timeout=90s"); err != nil {
			t.Error(err)
		}
	})
	return n
}

// tell logs what is known of the namespace.
func (n namespace) tell(t *testing.T) {
	for _, args := range []string{"get all -o wide", "describe pods", "get events --sort-by=.lastTimestamp"} {
		out, err := n.Kubectl(env.ctx, append([]string{"-n", n.name}, strings.Fields(args)...)...)
		t.Logf("kubectl %s: %v\n%s", args, err, out)
	}
	pods, _ := n.Kubectl(env.ctx, "-n", n.name, "get", "pods", "-o", "name")
	for _, pod := range strings.Fields(pods) {
		out, err := n.Kubectl(env.ctx, "-n", n.name, "logs", pod, "--all-containers", "--tail=30")
		t.Logf("the log of %s: %v\n%s", pod, err, out)
	}
}

func (n namespace) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := n.Kubectl(env.ctx, append([]string{"-n", n.name}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// manifests prints objects into a directory and returns it.
func manifests(t *testing.T, spec string, args ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "objects")
	pulpimg(t, append([]string{"manifests", "-f", spec, "-o", dir}, args...)...)
	return dir
}

// apply applies a directory and waits until everything in the namespace that stays is ready. It returns how long that took.
func (n namespace) apply(t *testing.T, dir string) string {
	t.Helper()
	began := time.Now()
	n.kubectl(t, "apply", "-k", dir)
	n.wait(t)
	return since(began)
}

func (n namespace) wait(t *testing.T) {
	t.Helper()
	for _, workload := range strings.Fields(n.kubectl(t, "get", "deployments,statefulsets,daemonsets", "-o", "name")) {
		n.kubectl(t, "rollout", "status", workload, "--timeout=180s")
	}
}

// get decodes an object of the namespace.
func get[T any](t *testing.T, n namespace, kind, name string) T {
	t.Helper()
	var object T
	if err := json.Unmarshal([]byte(n.kubectl(t, "get", kind, name, "-o", "json")), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

// eventually asks again, until it is so or the patience ends.
func eventually(t *testing.T, what string, patience time.Duration, isSo func() bool) string {
	t.Helper()
	for began := time.Now(); ; time.Sleep(300 * time.Millisecond) {
		if isSo() {
			return since(began)
		}
		if env.ctx.Err() != nil || time.Since(began) > patience {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// pause waits, unless the tests are interrupted.
func pause(d time.Duration) {
	select {
	case <-env.ctx.Done():
	case <-time.After(d):
	}
}

// says reports whether the container of a pod has said something.
func (n namespace) says(t *testing.T, pod, text string) func() bool {
	return func() bool {
		out, err := n.Kubectl(env.ctx, "-n", n.name, "logs", pod)
		return err == nil && strings.Contains(out, text)
	}
}

// addVolume lets a claim find a directory of this machine.
func (n namespace) addVolume(t *testing.T, size string) {
	t.Helper()
	dir := filepath.Join(env.dir, "volumes", n.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "volume.yaml")
	text := fmt.Sprintf(`{apiVersion: v1, kind: PersistentVolume, metadata: {name: %s}, spec: {capacity: {storage: %s},
  accessModes: [ReadWriteMany, ReadWriteOnce], persistentVolumeReclaimPolicy: Retain, hostPath: {path: %s}, claimRef: {namespace: %s, name: %s-storage}}}`,
		n.name, size, dir, n.name, n.name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	n.kubectl(t, "apply", "-f", file)
}

// restarted reports whether a container of the pod has ended with the exit code and was started again.
func (n namespace) restarted(pod, code string) bool {
	out, err := n.Kubectl(env.ctx, "-n", n.name, "get", "pod", pod, "-o", "jsonpath={.status.containerStatuses[*].lastState.terminated.exitCode}")
	return err == nil && slices.Contains(strings.Fields(out), code)
}
