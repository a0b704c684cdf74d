package family_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
	"github.com/pulpimg/pulpimg/pkg/startup/contract"
)

const tree = head + `images:
  leaf2: {from: middle}
  other: {from: scratch}
  leaf1: {from: middle}
  middle: {from: root}
  root: {from: "fedora:20"}
`

func TestResolve_order(t *testing.T) {
	f := mustResolve(t, tree, family.Options{})
	if got, want := names(f), "root middle leaf2 other leaf1"; got != want {
		t.Errorf("the build order is %s, want %s", got, want)
	}
	if leaf := image(t, f, "leaf1"); leaf.Parent != image(t, f, "middle") || leaf.Base != "" {
		t.Errorf("leaf1 is based on %v and %q, want middle", leaf.Parent, leaf.Base)
	}
	if root := image(t, f, "root"); root.Parent != nil || root.Base != "docker.io/library/fedora:20" {
		t.Errorf("root is based on %v and %q, want docker.io/library/fedora:20", root.Parent, root.Base)
	}
}

func TestSelect(t *testing.T) {
	f := mustResolve(t, tree, family.Options{})
	for _, test := range []struct {
		names []string
		want  string
	}{
		{[]string{"root"}, "root"},
		{[]string{"leaf1"}, "root middle leaf1"},
		{[]string{"leaf1", "leaf2", "leaf1"}, "root middle leaf2 leaf1"},
		{[]string{"other"}, "other"},
	} {
		selected, err := f.Select(test.names...)
		if err != nil {
			t.Fatal(err)
		}
		if got := names(selected); got != test.want {
			t.Errorf("Select(%v) gives %s, want %s", test.names, got, test.want)
		}
	}
	if got, want := names(f), "root middle leaf2 other leaf1"; got != want {
		t.Errorf("afterwards the family itself has %s, want %s", got, want)
	}
	_, err := f.Select("root", "laef1")
	if want := `f.yaml has no image called "laef1" (did you mean "leaf1"?)`; err == nil || err.Error() != want {
		t.Errorf("Select of an unknown image: %v, want %s", err, want)
	}
}

func TestResolve_references(t *testing.T) {
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for _, test := range []struct{ from, want string }{
		{"fedora:20", "docker.io/library/fedora:20"},
		{"pulp/base", "docker.io/pulp/base:latest"},
		{"127.0.0.1:5000/base:1", "127.0.0.1:5000/base:1"},
		{"index.docker.io/library/fedora:20", "docker.io/library/fedora:20"},
		{"quay.io/centos/centos:7" + digest, "quay.io/centos/centos:7" + digest},
		{"scratch", "scratch"},
	} {
		if got := mustResolve(t, on(test.from), family.Options{}).Images[0].Base; got != test.want {
			t.Errorf("from: %s is %s, want %s", test.from, got, test.want)
		}
	}
	for _, test := range []struct{ registry, want string }{
		{"", "r.example/f/a:1"},
		{"docker.io/pulp", "docker.io/pulp/a:1"},
		{"pulp", "docker.io/pulp/a:1"},
		{"localhost:5000", "localhost:5000/a:1"},
		{"[::1]:5000/x/y", "[::1]:5000/x/y/a:1"},
	} {
		var registries []string
		if test.registry != "" {
			registries = []string{test.registry}
		}
		if got := mustResolve(t, head+images, family.Options{Registries: registries}).Images[0].Reference; got != test.want {
			t.Errorf("under %q the reference is %s, want %s", test.registry, got, test.want)
		}
	}
	if got, want := mustResolve(t, head+images, family.Options{Tags: []string{"2.0"}}).Images[0].Reference, "r.example/f/a:2.0"; got != want {
		t.Errorf("with another tag the reference is %s, want %s", got, want)
	}
}

func TestResolve_options(t *testing.T) {
	const text = head + "variables: {a: {default: \"<${{ b }}>\"}, b: {default: c}, d: {}}\nimages: {a: {from: scratch, labels: {l: \"${{ a }} ${{ d }}\"}}}\n"
	values := map[string]string{"b": "${{ d }}", "d": "e"}
	f := mustResolve(t, text, family.Options{Variables: values})
	if got, want := f.Images[0].Config.Labels["l"], "<${{ d }}> e"; got != want {
		t.Errorf("the label is %q, want %q", got, want)
	}
}

func TestResolve_portsAndVolumes(t *testing.T) {
	c := mustResolve(t, head+"images: {a: {from: scratch, ports: [\"80\", 080/tcp, 53/udp, \"65535\"], volumes: [/a/, /]}}\n", family.Options{}).Images[0].Config
	if diff := cmp.Diff([]string{"80/tcp", "80/tcp", "53/udp", "65535/tcp"}, c.Ports); diff != "" {
		t.Errorf("ports (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/a", "/"}, c.Volumes); diff != "" {
		t.Errorf("volumes (-want +got):\n%s", diff)
	}
}

func TestRepo_file(t *testing.T) {
	for _, test := range []struct{ repo, want string }{
		{`{id: r, to: /r, baseurl: "http://h/$releasever/${basearch}/"}`, "[r]\nname=r\nbaseurl=http://h/$releasever/${basearch}/\nenabled=1\ngpgcheck=0\n"},
		{`{id: r, name: A name, to: /r, baseurl: "http://h/", gpgkey: "http://h/k", enabled: false}`, "[r]\nname=A name\nbaseurl=http://h/\nenabled=0\ngpgcheck=1\ngpgkey=http://h/k\n"},
		{`{id: r, to: /r, baseurl: "http://h/", gpgkey: "http://h/k", gpgcheck: false}`, "[r]\nname=r\nbaseurl=http://h/\nenabled=1\ngpgcheck=0\ngpgkey=http://h/k\n"},
	} {
		file := mustResolve(t, step("repo: "+test.repo), family.Options{}).Images[0].Steps[0].(family.Files).Files[0]
		if diff := cmp.Diff(test.want, content(t, file, "amd64")); diff != "" || file.Path != "/r" {
			t.Errorf("%s goes to %s (-want +got):\n%s", test.repo, file.Path, diff)
		}
	}
}

func TestStep_Title(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"f": ""})
	for _, test := range []struct{ step, want string }{
		{`repo: {url: "https://me:secret@h/r", to: /r}`, "repo https://h/r"},
		{`repo: {id: r, baseurl: "http://h", to: /r}`, "repo r"},
		{`yum: {groups: [a, B c], packages: [d, e]}`, "yum groupinstall a, B c, install d e"},
		{`yum: {groups: [a], tool: dnf}`, "dnf group install a"},
		{`dnf: {packages: [a]}`, "dnf install a"},
		{`apt: {packages: [a, b]}`, "apt-get install a b"},
		{`yum: {update: true, remove: [a]}`, "yum update, remove a"},
		{`dnf: {module: ["a:1", "b:2"], update: true, groups: [g], packages: [a], remove: [b, c]}`, "dnf module enable a:1 b:2, upgrade, group install g, install a, remove b c"},
		{`apt: {update: true, packages: [a], remove: [b]}`, "apt-get upgrade, install a, purge b"},
		{`apk: {update: true, packages: [a], remove: [b]}`, "apk upgrade, add a, del b"},
		{`apk: {packages: ["a@edge~3", b]}`, "apk add a@edge~3 b"},
		{`lens: pulpconf.aug`, "lens pulpconf.aug"},
		{`helpers: [config, wait]`, "helpers config wait"},
		{`files: [{from: ./f, to: /t/}, {from: f, to: /u}]`, "copy f to /t, copy f to /u"},
		{`run: one`, "run one"},
		{`run: "one\ntwo"`, "run one …"},
		{`run: "a\tb"`, "run a b"},
		{`run: {command: [a, b c]}`, "run a b c"},
		{`run: ` + strings.Repeat("é", 61), "run " + strings.Repeat("é", 60) + "…"},
	} {
		if got := mustResolve(t, step(test.step), family.Options{Dir: dir}).Images[0].Steps[0].Title(); got != test.want {
			t.Errorf("%s is named %q, want %q", test.step, got, test.want)
		}
	}
}

func TestServices_defaults(t *testing.T) {
	f := mustResolve(t, head+"services: {a: {url: \"tcp://h:1\"}, b: {url: \"tcp://h:1\", tries: 3, interval: 1m, timeout: 500ms}}\n"+images, family.Options{})
	want := []contract.Service{
		{Name: "a", URL: "tcp://h:1", Tries: 12, Interval: 5 * time.Second, Timeout: 2 * time.Second},
		{Name: "b", URL: "tcp://h:1", Tries: 3, Interval: time.Minute, Timeout: 500 * time.Millisecond},
	}
	if diff := cmp.Diff(want, f.Contract.Services); diff != "" {
		t.Errorf("services (-want +got):\n%s", diff)
	}
}

func TestEnvironment_secretDefault(t *testing.T) {
	f := mustResolve(t, head+"environment: {C: {default: \"${B}\"}, B: {default: \"x${A}\"}, A: {secret: true}, D: {}}\n"+images, family.Options{})
	for _, v := range f.Contract.Environment {
		if v.Secret != (v.Name != "D") {
			t.Errorf("%s: secret is %v", v.Name, v.Secret)
		}
	}
}

// A secret is accepted where the spec only names the variable that holds it.
func TestResolve_publicSecretParts(t *testing.T) {
	for _, declared := range []string{
		`environment: {P: {secret: true}, DSN: {secret: true, default: "u:${P}"}}`,
		`environment: {P: {secret: true, default: ""}}`,
		`environment: {P: {secret: true}, OTHER: {default: guest}, U: {}}
services: {a: {url: "amqp://u:${P}@h"}, b: {url: "amqp://${U}:${OTHER}@h"}, c: {url: "postgres://u@h?password=${P}&sslkey=/etc/key"}, d: {url: "mongodb://u:@h:1"}}`,
	} {
		if _, err := resolve(t, head+declared+"\n"+images, family.Options{}); err != nil {
			t.Errorf("%s: %v", declared, err)
		}
	}
}

// A family does not change when the values that it was resolved with do.
func TestResolve_copiesOptions(t *testing.T) {
	s, err := spec.Load("../../specs/pulp.yaml")
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"base": "reg/base:1"}
	assets := builtIn()
	f, err := family.Resolve(s, family.Options{Variables: values, Assets: assets})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Images[0].Base, "reg/base:1"; !strings.HasSuffix(got, want) {
		t.Errorf("the base is %s, want %s", got, want)
	}
	before := dump(t, f)
	values["base"] = "reg/other:1"
	other, err := family.Resolve(s, family.Options{Assets: assets})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range other.Images {
		i.Name, i.Steps, i.Config.Labels["x"] = "x", nil, "x"
		for at := range i.Config.Volumes {
			i.Config.Volumes[at] = "x"
		}
	}
	for i := range s.Images {
		for j := range s.Images[i].Value.Volumes {
			s.Images[i].Value.Volumes[j] = spec.Text{}
		}
		for j := range s.Images[i].Value.Steps {
			s.Images[i].Value.Steps[j] = spec.Step{}
		}
	}
	if diff := cmp.Diff(before, dump(t, f)); diff != "" {
		t.Errorf("the family has changed (-before +after):\n%s", diff)
	}
}

// A chain of images or variables as long as a spec can hold takes no more than its length.
func TestResolve_longChains(t *testing.T) {
	const length = 10_000
	var b strings.Builder
	b.WriteString(head + "variables:\n  v0: {default: x}\n")
	for i := range length {
		fmt.Fprintf(&b, "  v%d: {default: \"${{ v%d }}\"}\n", i+1, i)
	}
	b.WriteString("images:\n  i0: {from: scratch}\n")
	for i := range length {
		fmt.Fprintf(&b, "  i%d: {from: i%d}\n", i+1, i)
	}
	if f := mustResolve(t, b.String(), family.Options{}); len(f.Images) != length+1 {
		t.Errorf("%d images, want %d", len(f.Images), length+1)
	}
	text := strings.Replace(b.String(), "i0: {from: scratch}", fmt.Sprintf("i0: {from: i%d}", length), 1)
	_, err := resolve(t, text, family.Options{})
	var all spec.Errors
	if !errors.As(err, &all) || len(all) != 1 || !strings.Contains(all[0].Message, "i0 -> i10000 -> ") {
		t.Errorf("%d errors about a cycle", len(all))
	}
}
