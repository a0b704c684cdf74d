package kube_test

import (
	"flag"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/kubelet/envvars"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
	testkube "github.com/pulpimg/pulpimg/test/kube"
)

var update = flag.Bool("update", false, "write the golden file anew")

// injected returns what a kubelet puts into the environment of pods for the Services among objects, when the cluster has given them
// an address. This is the kubelet's own code; like it, it leaves out Services without an address of their own.
func injected(t *testing.T, stream []byte) map[string]string {
	t.Helper()
	objects, err := testkube.Validate(stream)
	if err != nil {
		t.Fatal(err)
	}
	var services []*corev1.Service
	for _, o := range objects {
		if s, ok := o.(*corev1.Service); ok {
			if s.Spec.ClusterIP == "" && s.Spec.Type != corev1.ServiceTypeExternalName {
				s.Spec.ClusterIP = "127.0.0.1"
			}
			services = append(services, s)
		}
	}
	env := map[string]string{}
	for _, v := range envvars.FromServices(services) {
		env[v.Name] = v.Value
	}
	return env
}

func settings(t *testing.T, f *family.Family, env map[string]string) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, s := range f.Contract.Settings {
		for _, set := range s.Set {
			value, err := contract.NewEnvironment(f.Contract, func(name string) string { return env[name] }).Expand(set.Value)
			if err != nil {
				t.Fatal(err)
			}
			out[set.Path] = value.Text
		}
	}
	return out
}

// The Services have the names of the variables that the images read, so nothing but the Services has to be there.
func TestTheImagesFindTheirServicesInWhatTheKubeletInjects(t *testing.T) {
	f := familytest.Load(t, "../../specs/pulp.yaml")
	opts := kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"PULP_SERVER_NAME": "pulp.example.com"}}
	for _, s := range f.Kubernetes.Services {
		opts.Services = append(opts.Services, family.KubernetesService{Name: s.Name, Selector: map[string]string{"app": s.Name}})
	}
	objects, err := kubernetes.Workloads(f, opts)
	env := injected(t, stream(t, objects, err))
	golden(t, "testdata/kubelet.env", env)

	env["PULP_SERVER_NAME"] = "pulp.example.com"
	want := map[string]string{
		"server/server_name": "pulp.example.com",
		"database/seeds":     "127.0.0.1:27017",
		"messaging/url":      "tcp://127.0.0.1:5672",
		"tasks/broker_url":   "qpid://guest@127.0.0.1:5672",
	}
	if diff := cmp.Diff(want, settings(t, f, env)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What else a kubelet injects for a Service is nothing that a spec may declare and take for something else.
func TestASpecCannotDeclareWhatTheKubeletInjectsBesides(t *testing.T) {
	const head = "version: 1\nname: f\nregistry: r.example\ntag: t\nkubernetes: {services: {my-db: {port: 5432, selector: {app: db}}}}\nimages: {a: {from: scratch, command: [x]}}\n"
	f := familytest.Parse(t, head+"environment: {MY_DB_SERVICE_HOST: {}}\n")
	objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f)})
	tried := 0
	for name := range injected(t, stream(t, objects, err)) {
		if strings.HasPrefix(name, "MY_DB_SERVICE_") {
			continue
		}
		tried++
		s, err := spec.Parse("f.yaml", []byte(head+"environment: {MY_DB_SERVICE_HOST: {}, "+name+": {}}\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := family.Resolve(s, family.Options{}); err == nil || !strings.Contains(err.Error(), "sets the variable "+name+",") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if tried < 5 {
		t.Errorf("the kubelet injects only %d other variables", tried)
	}
}

// The same is true of the Services that images have of their own.
func TestWorkloads_refuseAllThatTheKubeletInjectsForImages(t *testing.T) {
	const head = "version: 1\nname: f\nregistry: r.example\ntag: t\nimages: {my-web_1: {from: scratch, command: [x], ports: [\"80\", 53/udp], kubernetes: {singleton: true}}}\n"
	f := familytest.Parse(t, head)
	objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f)})
	tried := 0
	for name := range injected(t, stream(t, objects, err)) {
		if strings.HasSuffix(name, "_SERVICE_HOST") || strings.HasSuffix(name, "_SERVICE_PORT") {
			continue
		}
		tried++
		f := familytest.Parse(t, head+"environment: {MY_WEB_1_SERVICE_HOST: {}, "+name+": {}}\n")
		if _, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f)}); err == nil || !strings.Contains(err.Error(), "sets the variable "+name+",") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if tried < 11 {
		t.Errorf("the kubelet injects only %d other variables", tried)
	}
}

// The kubelet injects nothing for a Service that is only a name, so the ConfigMap has to.
func TestTheImagesFindAServiceOutsideTheClusterInTheConfigMap(t *testing.T) {
	f := familytest.Load(t, "../../specs/pulp.yaml")
	objects, err := kubernetes.Workloads(f, kubernetes.Options{
		Images: familytest.Digests(f), Values: map[string]string{"PULP_SERVER_NAME": "pulp.example.com"},
		Services: []family.KubernetesService{{Name: "db", External: "mongo.example.com", Port: 27018}},
	})
	env := injected(t, stream(t, objects, err))
	if len(env) > 0 {
		t.Errorf("the kubelet injects %v", env)
	}
	for _, o := range objects {
		if c, ok := o.(*corev1.ConfigMap); ok {
			env = c.Data
		}
	}
	if got := settings(t, f, env)["database/seeds"]; got != "db:27018" {
		t.Errorf("the database is at %q", got)
	}
}

// golden compares an environment with a file, which test/e2e starts the images with.
func golden(t *testing.T, name string, env map[string]string) {
	t.Helper()
	var b strings.Builder
	for _, key := range slices.Sorted(maps.Keys(env)) {
		b.WriteString(key + "=" + env[key] + "\n")
	}
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got; -update writes it anew):\n%s", name, diff)
	}
}
