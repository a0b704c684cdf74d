package kubernetes_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
)

func TestWorkloads_kinds(t *testing.T) {
	f := familytest.Load(t, "testdata/kinds.spec.yaml")
	opts := kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"DB_HOST": "db"}}
	objects, err := kubernetes.Workloads(f, opts)
	golden.Compare(t, "testdata/kinds.yaml", write(t, objects, err))
	objects, err = kubernetes.Pods(f, opts)
	golden.Compare(t, "testdata/kinds-pods.yaml", write(t, objects, err))
}

// kinds returns the kinds and names of objects, and the job among them.
func kinds(t *testing.T, yaml string, opts kubernetes.Options) (names []string, job *batchv1.Job) {
	t.Helper()
	f := familytest.Parse(t, head+yaml)
	if opts.Images == nil {
		opts.Images = familytest.Digests(f)
	}
	objects, err := kubernetes.Workloads(f, opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		names = append(names, o.GetObjectKind().GroupVersionKind().Kind+" "+o.GetName())
		if j, ok := o.(*batchv1.Job); ok {
			job = j
		}
	}
	return names, job
}

// Each Service has pods behind it, and an address unless it gives pods their names.
func TestWorkloads_services(t *testing.T) {
	for _, test := range []struct {
		image string
		want  []string
	}{
		{`ports: ["80"]`, []string{"Service a", "Deployment a"}},
		{`ports: ["80"], kubernetes: {singleton: true}`, []string{"Service a", "Deployment a"}},
		{`kubernetes: {singleton: true}`, []string{"Deployment a"}},
		{`kubernetes: {kind: deployment}`, []string{"Deployment a"}},
		{`command: [x]`, []string{"Service a", "StatefulSet a"}},
		{`ports: ["80"], kubernetes: {kind: statefulset}`, []string{"Service a", "StatefulSet a"}},
		{`ports: ["80"], kubernetes: {kind: daemonset}`, []string{"Service a", "DaemonSet a"}},
		{`kubernetes: {kind: daemonset}`, []string{"DaemonSet a"}},
		{`ports: ["80"], kubernetes: {kind: cronjob, schedule: "@daily"}`, []string{"CronJob a"}},
		{`ports: ["80"], kubernetes: {disruptionBudget: {minAvailable: 1}}`, []string{"Service a", "Deployment a", "PodDisruptionBudget a"}},
	} {
		t.Run(test.image, func(t *testing.T) {
			got, _ := kinds(t, "images: {a: {from: scratch, entrypoint: [x], "+test.image+"}}\n", kubernetes.Options{})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A job has another name as soon as its template is another one, and only then.
func TestWorkloads_jobNames(t *testing.T) {
	name := func(yaml string, opts kubernetes.Options) string {
		t.Helper()
		_, job := kinds(t, yaml, opts)
		if !strings.HasPrefix(job.Name, "a-b-") || len(job.Name) != len("a-b-")+10 || job.Labels["app.kubernetes.io/name"] != "a-b" {
			t.Errorf("the job is called %s and has the labels %v", job.Name, job.Labels)
		}
		return job.Name
	}
	const job = "images: {a_b: {from: scratch, command: [x], kubernetes: {kind: job}}}\n"
	first := name(job, kubernetes.Options{})
	for what, again := range map[string]string{
		"nothing":       name(job, kubernetes.Options{}),
		"a namespace":   name(job, kubernetes.Options{Namespace: "other"}),
		"another image": name(strings.Replace(job, "}\n", ", c: {from: scratch, command: [x]}}\n", 1), kubernetes.Options{}),
	} {
		if again != first {
			t.Errorf("%s changes the name: %s, %s", what, first, again)
		}
	}
	seen := map[string]string{first: "the first"}
	for what, other := range map[string]string{
		"another reference": name(job, kubernetes.Options{Images: map[string]string{"a_b": "r.example/a_b:2"}}),
		"a value":           name(job, kubernetes.Options{Values: map[string]string{"A": "1"}}),
		"another value":     name(job, kubernetes.Options{Values: map[string]string{"A": "2"}}),
		"a limit":           name(strings.Replace(job, "kind: job", "kind: job, resources: {limits: {memory: 1Gi}}", 1), kubernetes.Options{}),
	} {
		if same, ok := seen[other]; ok {
			t.Errorf("%s has the name of %s: %s", what, same, other)
		}
		seen[other] = what
	}
	long := strings.Repeat("a", 52)
	if _, j := kinds(t, strings.Replace(job, "a_b", long, 1), kubernetes.Options{}); len(j.Name) > 63 {
		t.Errorf("%s has more than a label may have", j.Name)
	}
}

// templateOf returns the template of the pods of an object.
func templateOf(t *testing.T, o kubernetes.Object) corev1.PodTemplateSpec {
	t.Helper()
	switch o := o.(type) {
	case *appsv1.Deployment:
		return o.Spec.Template
	case *appsv1.StatefulSet:
		return o.Spec.Template
	case *appsv1.DaemonSet:
		return o.Spec.Template
	case *batchv1.Job:
		return o.Spec.Template
	case *batchv1.CronJob:
		return o.Spec.JobTemplate.Spec.Template
	}
	t.Fatalf("%T has no pods", o)
	return corev1.PodTemplateSpec{}
}

// Pods that are reached go on for a while when they are to end, and have the time for it.
func TestWorkloads_linger(t *testing.T) {
	for image, want := range map[string]int64{
		`ports: ["80"], kubernetes: {grace: 1m}`:                                   65,
		`ports: ["80"], kubernetes: {kind: statefulset, grace: 1m}`:                65,
		`ports: ["80"], kubernetes: {singleton: true, grace: 1m}`:                  60,
		`kubernetes: {grace: 1m}`:                                                  60,
		`ports: ["80"], kubernetes: {kind: job, grace: 1m}`:                        60,
		`ports: ["80"], kubernetes: {kind: cronjob, schedule: "@daily"}`:           30,
		`ports: ["80"], kubernetes: {kind: daemonset, capabilities: [SYS_PTRACE]}`: 35,
	} {
		f := familytest.Parse(t, head+"images: {a: {from: scratch, entrypoint: [x], "+image+"}}\n")
		objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f)})
		if err != nil {
			t.Fatal(err)
		}
		pod := templateOf(t, objects[len(objects)-1]).Spec
		lifecycle := pod.Containers[0].Lifecycle
		if got := *pod.TerminationGracePeriodSeconds; got != want || (lifecycle != nil) != (want%10 == 5) {
			t.Errorf("%s: %d s, %v", image, got, lifecycle)
		}
	}
}

func TestWorkloads_podSecurity(t *testing.T) {
	const storage = "kubernetes: {storage: {size: 1Gi, volumes: [/v]}}\n"
	start := func(what string) string { return "steps: [helpers: [wait]], start: {command: [x], " + what + "}" }
	for _, test := range []struct{ name, image, want string }{
		{"a number", `user: "1000:1000", entrypoint: [x]`, ""},
		{"a number and a port", `user: "1000", entrypoint: [x], ports: ["80"]`, ""},
		{"a number twice", `user: "1000", ` + start(`user: "1000"`), ""},
		{"nothing", "entrypoint: [x]", "baseline: it starts as root; the capabilities CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID"},
		{"no capabilities", "entrypoint: [x], kubernetes: {capabilities: []}", "baseline: it starts as root"},
		{"a name", "user: app, entrypoint: [x]", "baseline: its user has a name and no number, app"},
		{"root by number", `user: "0:0", entrypoint: [x], kubernetes: {capabilities: [NET_BIND_SERVICE]}`, "baseline: it starts as root"},
		{"storage", `user: "1000", entrypoint: [x], volumes: [/v]`, "baseline: root fills its storage"},
		{"another user later", start("user: app"), "baseline: it starts as root; the capabilities SETGID, SETUID"},
		{"a capability of few", `user: "1000", entrypoint: [x], kubernetes: {capabilities: [SYS_TIME, KILL]}`, "privileged: the capabilities SYS_TIME"},
		{"sockets", start("require: {sockets: [/dev/log, /a]}"), "privileged: a socket of the node, /dev/log; a socket of the node, /a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := familytest.Parse(t, head+storage+"images: {a: {from: scratch, "+test.image+"}, other: {from: scratch, volumes: [/v]}}\n")
			objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"A": "b"}})
			if err != nil {
				t.Fatal(err)
			}
			annotations := maps.Clone(templateOf(t, objects[len(objects)-1]).Annotations)
			delete(annotations, "pulpimg.org/environment")
			want := map[string]string{"pulpimg.org/pod-security": test.want}
			if test.want == "" {
				want = map[string]string{}
			}
			if diff := cmp.Diff(want, annotations); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestWorkloads_strategy(t *testing.T) {
	for image, want := range map[string]appsv1.DeploymentStrategyType{
		`ports: ["80"]`: appsv1.RollingUpdateDeploymentStrategyType,
		`ports: ["80"], kubernetes: {singleton: true}`: appsv1.RecreateDeploymentStrategyType,
	} {
		f := familytest.Parse(t, head+"images: {a: {from: scratch, entrypoint: [x], "+image+"}}\n")
		objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f)})
		if err != nil {
			t.Fatal(err)
		}
		d, ok := objects[len(objects)-1].(*appsv1.Deployment)
		if !ok || d.Spec.Strategy.Type != want || (d.Spec.Strategy.RollingUpdate != nil) != (want == appsv1.RollingUpdateDeploymentStrategyType) {
			t.Errorf("%s: %+v", image, d)
		}
	}
}
