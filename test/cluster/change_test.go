package cluster

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

const changeSpec = `
version: 1
name: change
registry: docker.io/lab
tag: "1"
environment: { DB_SERVICE_HOST: {} }
kubernetes: { services: { db: { port: 5432 } } }
images:
  keeper:
    from: PAUSE
    ports: ["53/udp"]
    volumes: [/keep]
    entrypoint: [/pause]
    KUBERNETES
`

// An image that becomes a singleton is another kind of object, and a Service that leads elsewhere has other endpoints. With what pulpimg says to
// delete, there are never two at a time, and nothing of before is left.
func TestChanges(t *testing.T) {
	n := newNamespace(t, "change")
	spec, place, objects := filepath.Join(t.TempDir(), "pulpimg.yaml"), env.place+"/change", filepath.Join(t.TempDir(), "objects")
	print := func(service, kubernetes string) (said string) {
		t.Helper()
		text := strings.NewReplacer("PAUSE", pushPause(t), "KUBERNETES", kubernetes).Replace(changeSpec)
		if err := os.WriteFile(spec, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		pulpimg(t, "build", "-f", spec, "--push", "--registry", place)
		_, said = runPulpimg(t, "manifests", "-f", spec, "--registry", place, "-o", objects, "--service", service)
		return said
	}
	if said := print("db=192.0.2.7", ""); strings.Contains(said, "delete") {
		t.Fatalf("at first it says %s", said)
	}
	ready := n.apply(t, objects)
	if got := get[corev1.Service](t, n, "service", "keeper").Spec.ClusterIP; got != corev1.ClusterIPNone {
		t.Fatalf("the Service of the StatefulSet has the address %s", got)
	}

	said := print("db=app=postgres", "kubernetes: { singleton: true }")
	_, line, found := strings.Cut(said, "before you apply the rest:\n  kubectl delete ")
	line, _, _ = strings.Cut(line, "\n")
	if want := []string{"endpointslice/db", "statefulset/keeper", "service/keeper"}; !found || !slices.Equal(strings.Fields(line), want) {
		t.Fatalf("it says to delete %q, want %q", line, want)
	}
	n.kubectl(t, append([]string{"delete"}, strings.Fields(line)...)...)
	n.apply(t, objects)
	eventually(t, "one pod is left", time.Minute, func() bool {
		return len(strings.Fields(n.kubectl(t, "get", "pods", "-o", "name"))) == 1
	})
	if got := n.kubectl(t, "get", "statefulsets", "-o", "name"); got != "" {
		t.Errorf("%s is left", got)
	}
	if got := get[corev1.Service](t, n, "service", "keeper").Spec.ClusterIP; got == corev1.ClusterIPNone || got == "" {
		t.Error("the Service of the Deployment has no address")
	}
	if got := n.kubectl(t, "get", "endpointslices", "-l", "kubernetes.io/service-name=db", "-o", "jsonpath={.items[*].endpoints[*].addresses[*]}"); got != "" {
		t.Errorf("the Service db still leads to %s", got)
	}

	print("db=app=postgres", "kubernetes: { kind: statefulset }")
	_, refused := n.Kubectl(env.ctx, "-n", n.name, "apply", "-k", objects)
	if refused == nil || !strings.Contains(refused.Error(), "may not change once set") {
		t.Errorf("applied as it is, a Service loses its address: %v", refused)
	}
	env.rows = append(env.rows, row{"an image that changes", ready, "a StatefulSet became a singleton, and a Service led elsewhere: with what pulpimg said to delete, nothing of before was left"})
}
