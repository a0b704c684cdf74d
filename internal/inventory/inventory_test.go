package inventory_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/internal/inventory"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// flags name the overrides as a command does.
var flags = inventory.Overrides{Registry: "--registry", Tag: "--tag", Variable: "--set"}

func resolve(t *testing.T, opts family.Options) *family.Family {
	t.Helper()
	read, err := spec.Load("testdata/family.yaml")
	if err != nil {
		t.Fatal(err)
	}
	opts.Dir, opts.Variables = "testdata", map[string]string{"host": "mirror.example.com"}
	f, err := family.Resolve(read, opts)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func render(t *testing.T, f *family.Family) (asYAML, asJSON string) {
	t.Helper()
	var y, j bytes.Buffer
	if err := inventory.New(f, flags).WriteYAML(&y); err != nil {
		t.Fatal(err)
	}
	if err := inventory.New(f, flags).WriteJSON(&j); err != nil {
		t.Fatal(err)
	}
	return y.String(), j.String()
}

func TestWrite_golden(t *testing.T) {
	asYAML, asJSON := render(t, resolve(t, family.Options{}))
	for name, got := range map[string]string{"family.golden.yaml": asYAML, "family.golden.json": asJSON} {
		golden.Compare(t, filepath.Join("testdata", name), got)
	}
}

func TestWrite_sameInYAMLAndJSON(t *testing.T) {
	asYAML, asJSON := render(t, resolve(t, family.Options{}))
	var y, j any
	if err := yaml.Unmarshal([]byte(asYAML), &y); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(y)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &y); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(asJSON), &j); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(j, y); diff != "" {
		t.Errorf("(-JSON +YAML):\n%s", diff)
	}
}

// Whatever says that it is in the spec has its place there.
func TestNew_places(t *testing.T) {
	data, err := os.ReadFile("testdata/family.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(data), "\n")
	list := inventory.New(resolve(t, family.Options{}), flags)
	for _, v := range []struct {
		what, at, want string
	}{
		{"the registry", list.Registry.At, "registry.example.com/shop"},
		{"a variable with a default", list.Variables[0].At, `"docker.io/library/debian:12"`},
		{"a variable that is given", list.Variables[2].At, "host: {}"},
		{"a default", list.Environment[2].Default.At, `"db://${DB_HOST}"`},
		{"a setting", list.Settings[0].Set[1].At, `"$${DB_HOST}"`},
		{"a base", list.Images[0].Base.At, `"${{ base }}"`},
		{"a label that is inherited", list.Images[1].Labels[1].At, "base, b: base"},
		{"a Service", list.Kubernetes.Services[1].At, "msg: {"},
		{"a label of pods", list.Kubernetes.Services[0].Selector[0].At, "postgres"},
		{"a port that is that of the environment", list.Kubernetes.Services[0].Port.At, `"5432"`},
		{"a shared volume", list.Kubernetes.Storage.Volumes[0].At, "/data] }"},
		{"a word of a command before the start", list.Images[1].Start.Init[0][2].At, `"${{ host }}"`},
		{"a required variable", list.Images[1].Start.Require.Variables[0].At, "DB_HOST: {"},
		{"one that the image requires", list.Images[1].Start.Require.Variables[1].At, "DB_PASSWORD] }"},
		{"an inherited socket", list.Images[1].Start.Require.Sockets[0].At, "{ require: { sockets"},
		{"inherited settings", list.Images[1].Start.Configure[0].At, "app], wait: []"},
		{"the start of the base", list.Images[0].Start.Configure[0].At, "app], wait: []"},
		{"a limit", list.Images[1].Kubernetes.Resources.Limits[0].At, "1Gi"},
		{"a step", list.Images[0].Steps[1].At, "yum:"},
	} {
		var line, column int
		parts := strings.Split(v.at, ":")
		if err := json.Unmarshal([]byte("["+parts[1]+","+parts[2]+"]"), &[]any{&line, &column}); err != nil {
			t.Fatal(err)
		}
		if rest := lines[line-1][column-1:]; !strings.HasPrefix(rest, v.want) {
			t.Errorf("%s is at %s: %q, want %q", v.what, v.at, rest, v.want)
		}
	}
}

func TestNew_sources(t *testing.T) {
	list := inventory.New(resolve(t, family.Options{Registries: []string{"other.example.com/x"}, Tags: []string{"2"}}), flags)
	for _, test := range []struct {
		got  inventory.Value
		want string
	}{
		{list.Registry, "other.example.com/x from --registry"},
		{list.Tag, "2 from --tag"},
		{list.Variables[2].Value, "mirror.example.com from --set"},
		{list.Variables[0].Value, "docker.io/library/debian:12 from default"},
		{list.Variables[1].Value, "https://mirror.example.com/app.repo from --set through host"},
		{list.Images[1].Start.Init[0][2], "mirror.example.com from --set through host"},
		{*list.Images[0].Base, "docker.io/library/debian:12 from spec"},
		{list.Services[0].Tries, "3 from spec"},
		{list.Services[0].Timeout, "2s from built-in"},
		{list.Kubernetes.Services[0].Port, "5432 from default"},
		{list.Kubernetes.Services[1].Port, "5672 from spec"},
		{list.Kubernetes.Storage.Access, "ReadWriteMany from built-in"},
		{list.Images[1].Start.Require.Variables[3], "MSG_SERVICE_HOST from built-in"},
		{list.Images[1].Kubernetes.Replicas, "2 from spec"},
		{list.Images[1].Kubernetes.Grace, "30s from built-in"},
		{list.Images[2].Kubernetes.Singleton, "false from built-in"},
	} {
		got := test.got.Value + " from " + string(test.got.Source)
		if len(test.got.Through) > 0 {
			got += " through " + strings.Join(test.got.Through, ", ")
		}
		if got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

func TestNew_throughEachVariableOnce(t *testing.T) {
	s, err := spec.Parse("f.yaml", []byte("version: 1\nname: f\nregistry: \"${{ c }}/${{ b }}\"\ntag: \"${{ b }}\"\nvariables: {a: {}, b: {default: \"x${{ a }}${{ a }}\"}, c: {default: \"${{ b }}${{ d }}\"}, d: {default: d}}\n"+
		"environment: {E: {default: \"${{ a }}\"}}\nimages: {i: {from: scratch, labels: {l: \"${{ d }}\", m: \"${{ c }}\"}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := family.Resolve(s, family.Options{Variables: map[string]string{"a": "1", "d": "2"}, Tags: []string{"t"}})
	if err != nil {
		t.Fatal(err)
	}
	list := inventory.New(f, flags)
	labels := list.Images[0].Labels
	got := [][]string{list.Registry.Through, list.Tag.Through, list.Environment[0].Default.Through, labels[0].Through, labels[1].Through}
	want := [][]string{{"a", "d"}, nil, {"a"}, {"d"}, {"a", "d"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("through (-want +got):\n%s", diff)
	}
}

func TestWriteYAML_shortensFiles(t *testing.T) {
	for _, test := range []struct{ files, shown, more int }{{3, 3, 0}, {11, 11, 0}, {12, 10, 2}, {3000, 10, 2990}} {
		list := &inventory.Inventory{Images: []inventory.Image{{Steps: []inventory.Step{{Files: make([]inventory.File, test.files)}}}}}
		var asYAML, asJSON bytes.Buffer
		if err := errors.Join(list.WriteYAML(&asYAML), list.WriteJSON(&asJSON)); err != nil {
			t.Fatal(err)
		}
		var got inventory.Inventory
		var people struct {
			Images []struct {
				Steps []struct {
					Files []any
					More  int `yaml:"more_files"`
				}
			}
		}
		if err := errors.Join(yaml.Unmarshal(asYAML.Bytes(), &people), json.Unmarshal(asJSON.Bytes(), &got)); err != nil {
			t.Fatal(err)
		}
		if step := people.Images[0].Steps[0]; len(step.Files) != test.shown || step.More != test.more {
			t.Errorf("of %d files, YAML lists %d and says that there are %d more", test.files, len(step.Files), step.More)
		}
		if step := got.Images[0].Steps[0]; len(step.Files) != test.files || step.MoreFiles != 0 {
			t.Errorf("of %d files, JSON lists %d", test.files, len(step.Files))
		}
	}
}

func TestWrite_hidesSecrets(t *testing.T) {
	asYAML, asJSON := render(t, resolve(t, family.Options{}))
	for _, secret := range []string{"hunter2", "word@"} {
		if strings.Contains(asYAML+asJSON, secret) {
			t.Errorf("the list has %q", secret)
		}
	}
}

// The password of a URL comes in by a variable, and is in a script as it is.
func TestWrite_hidesCredentials(t *testing.T) {
	f := familytest.Parse(t, `version: 1
name: f
registry: r.example
tag: t
variables: { pw: { default: correct-horse }, short: { default: pw } }
images:
  a:
    from: scratch
    labels: { l: "correct-horse" }
    steps:
      - repo: { url: "https://me:${{ pw }}@h/r?key=${{ short }}", to: /r }
      - run: "echo 'correct-horse'"
`)
	asYAML, asJSON := render(t, f)
	if strings.Contains(asYAML+asJSON, "correct-horse") || strings.Contains(asYAML+asJSON, "value: pw") || !strings.Contains(asYAML, "name: short, value: (secret)") {
		t.Errorf("got\n%s", asYAML)
	}
}
