package kube_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/assets"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/kube"
	"github.com/pulpimg/pulpimg/pkg/spec"
	testkube "github.com/pulpimg/pulpimg/test/kube"
)

// load resolves the spec in a file.
func load(t *testing.T, file string) *family.Family {
	t.Helper()
	s, err := spec.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	f, err := family.Resolve(s, family.WithDir(filepath.Dir(file)), family.WithAssets(assets.FS()))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// digests gives each image of a family a digest.
func digests(f *family.Family) map[string]string {
	out := map[string]string{}
	for i, image := range f.Images {
		out[image.Name] = f.Registry + "/" + image.Name + "@sha256:" + strings.Repeat(string(rune('a'+i)), 64)
	}
	return out
}

// values gives each variable of a family one.
func values(f *family.Family) map[string]string {
	out := map[string]string{}
	for _, v := range f.Contract.Environment {
		out[v.Name] = "a value\nof \"two\" $(LINES)"
	}
	return out
}

func stream(t *testing.T, objects []kube.Object, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := kube.Write(&b, objects); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// families are the specs that come with pulpimg, and one that uses all that a spec can say under kubernetes.
func families(t *testing.T) map[string]*family.Family {
	t.Helper()
	files, err := filepath.Glob("../../specs/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no specs: %v", err)
	}
	out := map[string]*family.Family{}
	for _, file := range append(files, "../../pkg/kube/testdata/everything.spec.yaml") {
		out[filepath.Base(file)] = load(t, file)
	}
	return out
}

func TestAnAPIServerTakesEveryObject(t *testing.T) {
	for name, f := range families(t) {
		all := kube.Config{Images: digests(f), Values: values(f)}
		with := func(change func(*kube.Config)) kube.Config {
			c := all
			change(&c)
			return c
		}
		to := func(s family.KubernetesService) func(*kube.Config) {
			return func(c *kube.Config) {
				for _, declared := range f.Kubernetes.Services {
					s.Name = declared.Name
					c.Services = append(c.Services, s)
				}
			}
		}
		for how, config := range map[string]kube.Config{
			"all values":             all,
			"a namespace":            with(func(c *kube.Config) { c.Namespace = "staging" }),
			"Secrets that are there": with(func(c *kube.Config) { c.Secret, c.PullSecret = "mine", "registry" }),
			"tags":                   with(func(c *kube.Config) { c.Moving = true }),
			"Services with pods":     with(to(family.KubernetesService{Selector: map[string]string{"app.kubernetes.io/name": "mongodb"}})),
			"Services by name":       with(to(family.KubernetesService{External: "db.example.com"})),
			"Services by IPv4":       with(to(family.KubernetesService{External: "192.0.2.1", Port: 65535})),
			"Services by IPv6":       with(to(family.KubernetesService{External: "2001:db8::1"})),
		} {
			t.Run(name+" with "+how, func(t *testing.T) {
				objects, err := kube.Workloads(f, config)
				if _, err := testkube.Validate(stream(t, objects, err)); err != nil {
					t.Error(err)
				}
				objects, err = kube.Pods(f, config)
				if _, err := testkube.Validate(stream(t, objects, err)); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// The test of the test: what would be wrong is found.
func TestABadObjectIsFound(t *testing.T) {
	good, err := os.ReadFile("../../pkg/kube/testdata/pulp.yaml")
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
		{"a name twice", "readinessProbe:", "env: [{name: A, value: one}, {name: A, value: two}]\n        readinessProbe:", "hides previous definition"},
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
