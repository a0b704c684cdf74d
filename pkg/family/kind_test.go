package family_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestWorkload_kind(t *testing.T) {
	const storage = "kubernetes: {storage: {size: 1Gi, volumes: [/kept]}}\n"
	for _, test := range []struct {
		name, image string
		want        family.Kind
	}{
		{"nothing", "{}", family.KindStatefulSet},
		{"ports", `{ports: ["80"]}`, family.KindDeployment},
		{"ports for datagrams", `{ports: [53/udp]}`, family.KindDeployment},
		{"inherited ports", "{from: serves}", family.KindDeployment},
		{"ports and a volume", `{ports: ["80"], volumes: [/v]}`, family.KindStatefulSet},
		{"ports and an inherited volume", `{from: keeps, ports: ["80"]}`, family.KindStatefulSet},
		{"a singleton", "{from: keeps, kubernetes: {singleton: true}}", family.KindDeployment},
		{"ports of one with replicas", `{ports: ["80"], kubernetes: {replicas: 3}}`, family.KindDeployment},
		{"a kind that is said", `{ports: ["80"], kubernetes: {kind: statefulset}}`, family.KindStatefulSet},
		{"a singleton with a name", `{kubernetes: {kind: statefulset, singleton: true}}`, family.KindStatefulSet},
		{"a kind by a variable", `{kubernetes: {kind: "${{ kind }}"}}`, family.KindJob},
		{"a daemon", `{kubernetes: {kind: daemonset}}`, family.KindDaemonSet},
		{"a schedule", `{kubernetes: {kind: cronjob, schedule: "*/5 0-23/2,7 * JAN-dec mon-fri"}}`, family.KindCronJob},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := resolve(t, head+storage+"variables: {kind: {default: job}}\nimages:\n  keeps: {from: scratch, volumes: [/kept]}\n  serves: {from: scratch, ports: [\"80\"]}\n  base: {from: scratch}\n  a: "+
				withBase(test.image)+"\n", family.Options{})
			if err != nil {
				t.Fatal(err)
			}
			image, _ := f.Image("a")
			if w := image.Workload; w.Kind != test.want || w.RunsOnce() != (test.want == family.KindJob || test.want == family.KindCronJob) {
				t.Errorf("got %s, runs once: %t", w.Kind, w.RunsOnce())
			}
		})
	}
}

// withBase lets an image be based on the image base, unless it says what it is based on.
func withBase(image string) string {
	if len(image) > 5 && image[:6] == "{from:" {
		return image
	}
	if image == "{}" {
		return "{from: base}"
	}
	return "{from: base, " + image[1:]
}

func TestWorkload_probe(t *testing.T) {
	f, err := resolve(t, head+`services: { s: { url: "tcp://h:1", timeout: 7s }, t: { url: "tcp://h:2", timeout: 9s } }
images:
  base: { from: scratch, steps: [ helpers: [wait] ] }
  plain: { from: base, start: { command: [c] } }
  waits: { from: base, start: { wait: [s], command: [c] } }
  asks: { from: base, ports: ["80"], healthcheck: none, start: { wait: [s], command: [c] }, kubernetes: { readiness: services } }
  serves: { from: base, ports: [53/udp, "80", "443"], start: { wait: [s], command: [c] } }
  datagrams: { from: base, ports: [53/udp], command: [c] }
  checked: { from: base, ports: ["80"], healthcheck: { command: [check] }, command: [c] }
  unchecked: { from: checked, healthcheck: none, command: [c] }
  once: { from: checked, command: [c], kubernetes: { kind: job } }
`, family.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]*family.Probe{}
	for _, i := range f.Images {
		got[i.Name] = i.Workload.Probe
	}
	want := map[string]*family.Probe{
		"base": nil, "plain": nil, "waits": nil, "datagrams": nil, "unchecked": nil, "once": nil,
		"asks": {
			Command: []string{"/usr/bin/pulp-helper", "wait", "--tries", "1", "s"}, Interval: 30 * time.Second, Timeout: 10 * time.Second, Failures: 2,
		},
		"serves":  {TCP: 80, Interval: 5 * time.Second, Timeout: 3 * time.Second, Failures: 3},
		"checked": {Command: []string{"check"}, Interval: 30 * time.Second, Timeout: 30 * time.Second, Failures: 3},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
