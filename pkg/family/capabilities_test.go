package family_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestWorkload_capabilities(t *testing.T) {
	f, err := resolve(t, head+`settings: { s: { file: /f, lens: pulpconf.aug } }
images:
  base: { from: scratch, steps: [ helpers: [config], lens: pulpconf.aug ] }
  root: { from: base, command: [c] }
  named-root: { from: base, user: "root:root", ports: [53/udp], command: [c] }
  high: { from: base, user: "1000:1000", ports: ["1024"], command: [c] }
  low: { from: base, user: app, ports: ["8080", "1023"], command: [c] }
  own: { from: base, ports: ["80"], command: [c], kubernetes: { capabilities: [SYS_TIME] } }
  none: { from: base, ports: ["80"], command: [c], kubernetes: { capabilities: [] } }
  start: { from: base, start: { command: [c] } }
  start-as-root: { from: base, start: { user: "0", command: [c] }, kubernetes: { capabilities: [] } }
  user: { from: base, ports: ["80"], start: { user: u, command: [c] } }
  init: { from: base, start: { user: u, init: [[i]], command: [c] } }
  all: { from: base, start: { configure: [s], user: u, command: [c] }, kubernetes: { capabilities: [SETUID, KILL] } }
  start-none: { from: base, start: { configure: [s], user: u, command: [c] }, kubernetes: { capabilities: [] } }
  not-root: { from: base, user: "1000", start: { configure: [s], user: "1000", init: [[i]], command: [c] } }
`, family.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, i := range f.Images {
		got[i.Name] = strings.Join(i.Workload.Capabilities, " ")
	}
	const asRoot = "CHOWN DAC_OVERRIDE FOWNER KILL SETGID SETUID"
	want := map[string]string{
		"base": "", "root": asRoot, "named-root": "CHOWN DAC_OVERRIDE FOWNER KILL NET_BIND_SERVICE SETGID SETUID",
		"high": "", "low": "NET_BIND_SERVICE", "own": "SYS_TIME", "none": "",
		"start": asRoot, "start-as-root": "SETGID SETUID", "user": "NET_BIND_SERVICE SETGID SETUID", "init": "KILL SETGID SETUID",
		"all": "DAC_OVERRIDE KILL SETGID SETUID", "start-none": "DAC_OVERRIDE SETGID SETUID", "not-root": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
