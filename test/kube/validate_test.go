package kube_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	testkube "github.com/pulpimg/pulpimg/test/kube"
)

// values gives each variable of a family one.
func values(f *family.Family) map[string]string {
	out := map[string]string{}
	for _, v := range f.Contract.Environment {
		out[v.Name] = "a value\nof \"two\" $(LINES)"
	}
	return out
}

// plain returns the values that are no secret.
func plain(f *family.Family, values map[string]string) map[string]string {
	out := maps.Clone(values)
	maps.DeleteFunc(out, func(name, _ string) bool { return f.IsSecret(name) })
	return out
}

// files gives each secret file of a family a content.
func files(f *family.Family) map[string][]byte {
	out := map[string][]byte{}
	for _, image := range f.Images {
		for _, s := range image.Workload.Secrets {
			out[s.ID] = []byte{0, 0xff}
		}
	}
	return out
}

func stream(t *testing.T, objects []kubernetes.Object, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := kubernetes.Write(&b, objects); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// everySpec returns the specs of the project and its examples, and those with all that runs images and with secret files.
func everySpec(t *testing.T) []string {
	t.Helper()
	examples, err := filepath.Glob("../../examples/*/pulpimg.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for i, file := range examples {
		if dir := filepath.Dir(file); filepath.Base(dir) == "clock" {
			examples[i] = compiled(t, dir)
		}
	}
	const own = "../../pkg/render/kubernetes/testdata/"
	return append(append(familytest.Specs(t, "../.."), own+"kinds.spec.yaml", own+"secrets.spec.yaml"), examples...)
}

// compiled returns the spec of the example whose programs have to be compiled first, in a copy of its directory that has files in their place.
func compiled(t *testing.T, example string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "example")
	if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"server", "client"} {
		if err := os.WriteFile(filepath.Join(dir, "bin", name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "pulpimg.yaml")
}

func TestAnAPIServerTakesEveryObject(t *testing.T) {
	for _, file := range everySpec(t) {
		name, f := filepath.Base(filepath.Dir(file))+"/"+filepath.Base(file), familytest.Load(t, file)
		all := kubernetes.Options{Images: familytest.Digests(f), Values: values(f), Files: files(f)}
		with := func(change func(*kubernetes.Options)) kubernetes.Options {
			o := all
			change(&o)
			return o
		}
		to := func(s family.KubernetesService) func(*kubernetes.Options) {
			return func(o *kubernetes.Options) {
				for _, declared := range f.Kubernetes.Services {
					s.Name = declared.Name
					o.Services = append(o.Services, s)
				}
			}
		}
		for how, opts := range map[string]kubernetes.Options{
			"all values":  all,
			"a namespace": with(func(o *kubernetes.Options) { o.Namespace = "staging" }),
			"Secrets that are there": with(func(o *kubernetes.Options) {
				o.Secret, o.PullSecret, o.Files, o.Values = "mine", "registry", nil, plain(f, o.Values)
			}),
			"tags":               with(func(o *kubernetes.Options) { o.Moving = true }),
			"Services with pods": with(to(family.KubernetesService{Selector: map[string]string{"app.kubernetes.io/name": "mongodb"}})),
			"Services by name":   with(to(family.KubernetesService{External: "db.example.com"})),
			"Services by IPv4":   with(to(family.KubernetesService{External: "192.0.2.1", Port: 65535})),
			"Services by IPv6":   with(to(family.KubernetesService{External: "2001:db8::1"})),
		} {
			t.Run(name+" with "+how, func(t *testing.T) {
				objects, err := kubernetes.Workloads(f, opts)
				if _, err := testkube.Validate(stream(t, objects, err)); err != nil {
					t.Error(err)
				}
				objects, err = kubernetes.Pods(f, opts)
				if _, err := testkube.Validate(stream(t, objects, err)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// The test of the test: what would be wrong is found.
func TestABadObjectIsFound(t *testing.T) {
	good, err := os.ReadFile("../../pkg/render/kubernetes/testdata/pulp.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := testkube.Validate(good); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, from, to, want string }{
		{"a mistyped type", "type: Socket", "type: Sockt", `spec.template.spec.volumes[0].hostPath.type: Unsupported value: "Sockt"`},
		{"a mount without its volume", "type: Socket", "type: Sockt", `volumeMounts[0].name: Not found: "devlog"`},
		{"an unknown field", "restartPolicy:", "restartPolcy:", `unknown field "spec.template.spec.restartPolcy"`},
		{"a wrong policy", "restartPolicy: Always", "restartPolicy: Never", `spec.template.spec.restartPolicy: Unsupported value: "Never"`},
		{"a wrong type", "replicas: 1", "replicas: one", "cannot unmarshal"},
		{"a selector that misses", "matchLabels:\n      app.kubernetes.io/name: ", "matchLabels:\n      app.kubernetes.io/name: not-", "`selector` does not match template `labels`"},
		{"a host with a port", "externalName: qpid.example.com", "externalName: qpid.example.com:5673", "spec.externalName: Invalid value"},
		{"a size that is none", "storage: 100Gi", "storage: 0", "must be greater than zero"},
		{"a kind that nobody knows", "kind: StatefulSet", "kind: StatefulSets", `no kind "StatefulSets" is registered`},
		{"a name twice", "resources: {}\n", "resources: {}\n        env: [{name: A, value: one}, {name: A, value: two}]\n", "hides previous definition"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bad := strings.ReplaceAll(string(good), test.from, test.to)
			if bad == string(good) {
				t.Fatalf("there is no %q to spoil", test.from)
			}
			if _, err := testkube.Validate([]byte(bad)); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
