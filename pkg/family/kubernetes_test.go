package family_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestWorkload_errors(t *testing.T) {
	const env = "environment: {DB_SERVICE_HOST: {}, DB_SERVICE_PORT: {default: \"27017\"}, MSG_SERVICE_HOST: {}, MSG_SERVICE_PORT: {default: \"${DB_SERVICE_PORT}\"}}\n"
	around := func(s string) string {
		return head + env + "kubernetes: " + s + "\nimages: {a: {from: scratch, volumes: [/v]}}\n"
	}
	image := func(s string) string { return head + "images: {a: {from: scratch, kubernetes: " + s + "}}\n" }
	for _, test := range []struct{ name, yaml, want string }{
		{"a Service that nobody reads", around("{services: {bd: {port: 1}}}"),
			`f.yaml:6:25: a Service called bd gives containers the variable BD_SERVICE_HOST, which is not declared under environment (did you mean "DB_SERVICE_HOST"?)`},
		{"a Service with a name that is none", around("{services: {Db: {port: 1}}}"), `f.yaml:6:25: "Db" is no name for a Service (use small letters, digits and '-', and begin with a letter)`},
		{"a variable that the kubelet sets for a Service to something else",
			head + "environment: {MY_DB_SERVICE_HOST: {}, MY_DB_PORT: {default: \"5432\"}}\nkubernetes: {services: {my-db: {port: 1}}}\nimages: {a: {from: scratch}}\n",
			`f.yaml:6:25: for a Service called my-db, Kubernetes itself sets the variable MY_DB_PORT, such as to "tcp://10.0.0.1:5432"; it is declared under environment (give the variable or the Service another name)`},
		{"a variable that the kubelet sets for a port of a Service",
			head + "environment: {DB_SERVICE_HOST: {}, DB_PORT_1_TCP_ADDR: {}, DB_PORT_RANGE: {}, OLD_DB_PORT: {}}\nkubernetes: {services: {db: {port: 1}}}\nimages: {a: {from: scratch}}\n",
			`f.yaml:6:25: for a Service called db, Kubernetes itself sets the variable DB_PORT_1_TCP_ADDR, such as to "tcp://10.0.0.1:5432"; it is declared under environment (give the variable or the Service another name)`},
		{"a Service without a port", around("{services: {msg: {}}}"),
			`f.yaml:6:25: the Service msg needs a port from 1 to 65535: neither its key port nor the default of MSG_SERVICE_PORT is one (such as port: 5432)`},
		{"a port that is none", around("{services: {msg: {port: 65536}}}"),
			`f.yaml:6:25: the Service msg needs a port from 1 to 65535: neither its key port nor the default of MSG_SERVICE_PORT is one (such as port: 5432)`},
		{"a host that is none", around("{services: {db: {external: \"http://h\"}}}"), `f.yaml:6:40: "http://h" is no host name or address`},
		{"a host with a port", around("{services: {db: {external: \"h:1\"}}}"), `f.yaml:6:40: "h:1" is no host name or address`},
		{"a host with an empty part", around("{services: {db: {external: a..b}}}"), `f.yaml:6:40: "a..b" is no host name or address`},
		{"the machine itself", around("{services: {db: {external: 127.0.0.1}}}"), `f.yaml:6:40: "127.0.0.1" is an address that means another machine on each machine, or no machine at all: use the address of one host`},
		{"an address with a zone", around("{services: {db: {external: \"fe80::1%eth0\"}}}"), `f.yaml:6:40: "fe80::1%eth0" is an address in a form that no Service takes`},
		{"a label that is none", around("{services: {db: {selector: {\"a b\": c}}}}"), `f.yaml:6:41: "a b" is no name for a label`},
		{"a label with a value that is none", around("{services: {db: {selector: {a: b c}}}}"), `f.yaml:6:44: "b c" is no value for a label`},
		{"a size that is none", around("{storage: {size: 10GB, volumes: [/v]}}"), `f.yaml:6:30: "10GB" is no amount of storage: write a number and Mi, Gi or Ti`},
		{"a size of nothing", around("{storage: {size: \"0\", volumes: [/v]}}"), `f.yaml:6:30: "0" is no amount of storage: write a number and Mi, Gi or Ti`},
		{"a way to share that is none", around("{storage: {size: 1Gi, access: ReadWriteSome, volumes: [/v]}}"),
			`f.yaml:6:43: "ReadWriteSome" is not an access mode of storage (did you mean "ReadWriteOnce"?)`},
		{"a class that is none", around("{storage: {size: 1Gi, class: A b, volumes: [/v]}}"), `f.yaml:6:42: "A b" is no name for a storage class`},
		{"storage that no image has", around("{storage: {size: 1Gi, volumes: [/w]}}"), `f.yaml:6:45: no image has the volume "/w" (did you mean "/v"?)`},
		{"a capability with its prefix", image("{capabilities: [CAP_KILL]}"), `f.yaml:5:57: "CAP_KILL" is no capability in the notation of Kubernetes (leave out CAP_)`},
		{"a capability that is none", image("{capabilities: [kill]}"), `f.yaml:5:57: "kill" is no capability`},
		{"a grace of less than a second", image("{grace: 1500ms}"), `f.yaml:5:41: grace is counted in whole seconds, not in 1.5s (such as "30s" or "10m")`},
		{"a kind that is none", image("{kind: Deployment}"), `f.yaml:5:48: "Deployment" is not a kind of workload (did you mean "deployment"?)`},
		{"a kind that is nothing", image("{kind: \"\"}"), `f.yaml:5:48: "" is not a kind of workload (there is cronjob, daemonset, deployment, job, statefulset)`},
		{"a job that never runs twice", image("{kind: job, singleton: true}"), `f.yaml:5:48: a job is no singleton: it runs once (leave singleton out)`},
		{"a job several times", image("{kind: job, replicas: 2}"), `f.yaml:5:48: a job has no number of replicas: it runs once (leave replicas out)`},
		{"a number of daemons", image("{kind: daemonset, replicas: 1}"), `f.yaml:5:48: a daemonset has no number of replicas: it runs on each node (leave replicas out)`},
		{"one daemon", image("{kind: daemonset, singleton: true}"), `f.yaml:5:48: a daemonset is no singleton: it runs on each node (leave singleton out)`},
		{"a cronjob without a schedule", image("{kind: cronjob}"), `f.yaml:5:48: a cronjob needs a schedule (such as schedule: "0 3 * * *")`},
		{"a schedule of a job", image("{kind: job, schedule: \"@daily\"}"), `f.yaml:5:63: only a cronjob has a schedule (add kind: cronjob, or leave it out)`},
		{"a schedule alone", image("{schedule: \"@daily\"}"), `f.yaml:5:52: only a cronjob has a schedule (add kind: cronjob, or leave it out)`},
		{"a schedule that is none", image("{kind: cronjob, schedule: hourly}"),
			`f.yaml:5:67: "hourly" is no schedule: it has five fields, the minute, hour, day, month and day of the week (such as "*/5 * * * *" for each five minutes, or "@daily")`},
		{"a schedule with Sunday as 7", image("{kind: cronjob, schedule: \"0 0 * * 5-7/2\"}"),
			`f.yaml:5:67: "0 0 * * 5-7/2" is no schedule: days of the week are numbers from 0 to 6, and Sunday is 0 (such as "0 3 * * 0", or "5-6,0" for Friday to Sunday)`},
		{"a schedule of a wrong hour", image("{kind: cronjob, schedule: \"0 25 7 7 */7\"}"),
			`f.yaml:5:67: "0 25 7 7 */7" is no schedule: it has five fields, the minute, hour, day, month and day of the week (such as "*/5 * * * *" for each five minutes, or "@daily")`},
		{"a schedule of a span of time", image("{kind: cronjob, schedule: \"@every 5m\"}"),
			`f.yaml:5:67: "@every 5m" is no schedule: @every is not taken: its times depend on when it began (such as "*/5 * * * *" for each five minutes, or "@daily")`},
		{"a schedule of a start", image("{kind: cronjob, schedule: \"@reboot\"}"),
			`f.yaml:5:67: "@reboot" is no schedule: @reboot is not taken: a cluster does not start as a machine does (kind: job runs once)`},
		{"a schedule that goes backwards", image("{kind: cronjob, schedule: \"0 3 * dec-feb/2 0-2,fri-mon\"}"),
			`f.yaml:5:67: "dec-feb/2" in the schedule ends before it begins (write it as two, with a comma)` + "\n" +
				`f.yaml:5:67: "fri-mon" in the schedule ends before it begins (write it as two, with a comma)`},
		{"a way to be ready that is none", image("{readiness: service}"), `f.yaml:5:53: "service" is no way to be ready (write "services", or leave it out)`},
		{"readiness by services that nobody waits for", image("{readiness: services}"), `f.yaml:5:53: a waits for no services (add them to start.wait, or leave it out)`},
		{"readiness of a job", image("{kind: job, readiness: services}"), `f.yaml:5:64: a job is never ready: it ends (leave it out)`},
		{"readiness in two ways", head + "images: {a: {from: scratch, healthcheck: {command: [a]}, kubernetes: {readiness: services}}}\n",
			`f.yaml:5:82: a is ready by its healthcheck, not by the services that it waits for (keep one of them)`},
		{"a budget that is no percentage", image("{disruptionBudget: {minAvailable: \"101%\"}}"),
			`f.yaml:5:75: "101%" is no part of the containers (write a number without quotes, or a percentage such as "50%")`},
		{"a budget with a number in quotes", image("{disruptionBudget: {maxUnavailable: \"1\"}}"),
			`f.yaml:5:77: "1" is no part of the containers (write a number without quotes, or a percentage such as "50%")`},
		{"a budget of no disruption", image("{disruptionBudget: {maxUnavailable: 0%}}"),
			`f.yaml:5:77: a maxUnavailable of 0% lets no container be taken away: its node is never emptied (such as maxUnavailable: 1)`},
		{"a budget for all", image("{disruptionBudget: {minAvailable: 100%}}"),
			`f.yaml:5:75: a minAvailable of 100% lets no container be taken away: its node is never emptied (such as maxUnavailable: 1)`},
		{"a budget for all replicas", image("{replicas: 2, disruptionBudget: {minAvailable: 2}}"),
			`f.yaml:5:73: a minAvailable of 2 lets none of 2 replicas be taken away: their nodes are never emptied (such as maxUnavailable: 1)`},
		{"a budget that is rounded up to all", image("{replicas: 3, disruptionBudget: {minAvailable: 67%}}"),
			`f.yaml:5:73: a minAvailable of 67% lets none of 3 replicas be taken away: their nodes are never emptied (such as maxUnavailable: 1)`},
		{"a budget of daemons", image("{kind: daemonset, disruptionBudget: {maxUnavailable: 1}}"), `f.yaml:5:77: a daemonset has no disruptionBudget (leave it out)`},
		{"spread over what there is not", image("{spread: hosts}"), `f.yaml:5:50: "hosts" is nothing that containers are spread over (did you mean "host"?)`},
		{"a job that is spread", image("{kind: job, spread: zone}"), `f.yaml:5:61: a job is not spread (leave it out)`},
		{"a singleton that is spread", image("{singleton: true, spread: zone}"), `f.yaml:5:67: a singleton is not spread: there is one (leave it out)`},
		{"an amount that is none", image("{resources: {limits: {memory: 1GiB}}}"), `f.yaml:5:71: "1GiB" is no amount of bytes: write a number and Mi or Gi`},
		{"a thousandth of a byte", image("{resources: {limits: {memory: 100m}}}"), `f.yaml:5:71: "100m" is no amount of bytes: write a number and Mi or Gi`},
		{"an amount of processors that is none", image("{resources: {limits: {cpu: 1Gi}}}"), `f.yaml:5:68: "1Gi" is no amount of processors: write "2", "0.5" or "500m"`},
		{"volumes that only a slash tells apart", head + "kubernetes: {storage: {size: 1Gi, volumes: [/a/b, /a-b]}}\nimages: {a: {from: scratch, volumes: [/a/b, /a-b]}}\n",
			`f.yaml:5:51: /a/b and /a-b would be kept under the same name, a-b`},
		{"volumes that only what a name cannot have tells apart", head + "kubernetes: {storage: {size: 1Gi, volumes: [/a b, /a$b]}}\nimages: {a: {from: scratch, volumes: [/a b, /a$b]}}\n",
			`f.yaml:5:51: /a b and /a$b would be kept under the same name, a-b`},
		{"a volume that is all", head + "kubernetes: {storage: {size: 1Gi, volumes: [/]}}\nimages: {a: {from: scratch, volumes: [/]}}\n",
			`f.yaml:5:45: the volume / would hide the whole image (name the directories that outlive containers)`},
		{"a volume with a colon", head + "kubernetes: {storage: {size: 1Gi, volumes: [\"/a:b\"]}}\nimages: {a: {from: scratch, volumes: [\"/a:b\"]}}\n",
			`f.yaml:5:45: "/a:b" has a ':', at which docker, podman and Kubernetes divide (give the directory another name)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, test.yaml, family.Options{})
			if err == nil || err.Error() != test.want {
				t.Errorf("got\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

func TestWorkload_volumeNames(t *testing.T) {
	f, err := resolve(t, head+`kubernetes: { storage: { size: 1Gi, volumes: [/var/lib/app, "/a b/$c", /.É_1] } }
images: { a: { from: scratch, volumes: [/var/lib/app, "/a b/$c", /.É_1, /other] } }
`, family.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []family.Volume{{Name: "var-lib-app", Path: "/var/lib/app"}, {Name: "a-b--c", Path: "/a b/$c"}, {Name: ".-_1", Path: "/.É_1"}}
	if diff := cmp.Diff(want, f.Images[0].Workload.Volumes); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestHostname(t *testing.T) {
	long := strings.Repeat("a", 62)
	for name, want := range map[string]string{"a_b": "a-b", long + "_b": long, "_a.": "a"} {
		if got := family.Hostname(name); got != want {
			t.Errorf("Hostname(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestWorkload_defaults(t *testing.T) {
	f, err := resolve(t, head+"images: {a: {from: scratch, kubernetes: {singleton: true}}, b: {from: a}}\n", family.Options{})
	if err != nil {
		t.Fatal(err)
	}
	a, b := f.Images[0].Workload, f.Images[1].Workload
	if !a.Singleton || a.Replicas != 1 || a.Grace != 30*time.Second {
		t.Errorf("got %+v", a)
	}
	if b.Singleton || b.Replicas != 1 || b.Grace != 30*time.Second {
		t.Errorf("it is inherited: got %+v", b)
	}
}

func TestKubernetesService_defaultPort(t *testing.T) {
	f, err := resolve(t, head+"environment: {MY_DB_SERVICE_HOST: {}, MY_DB_SERVICE_PORT: {default: \"5432\"}}\nkubernetes: {services: {my-db: {}}}\nimages: {a: {from: scratch}}\n", family.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := f.Kubernetes.Services[0]
	if s.Port != 5432 || s.HostVariable() != "MY_DB_SERVICE_HOST" || s.PortVariable() != "MY_DB_SERVICE_PORT" {
		t.Errorf("got %+v, %s, %s", s, s.HostVariable(), s.PortVariable())
	}
}

func TestWorkload_inheritance(t *testing.T) {
	f, err := resolve(t, head+`kubernetes: { storage: { size: 1Gi, volumes: [/a, /b] } }
images:
  base: { from: scratch, user: "u:g", volumes: [/a, /c], ports: ["1"] }
  top: { from: base, volumes: [/b, /a], ports: [2/udp], command: [c] }
  own: { from: top, user: v, ports: ["1"] }
`, family.Options{})
	if err != nil {
		t.Fatal(err)
	}
	type workload struct {
		User    string
		Volumes []family.Volume
		Ports   []family.Port
	}
	got := map[string]workload{}
	for _, i := range f.Images {
		got[i.Name] = workload{i.Workload.User, i.Workload.Volumes, i.Workload.Ports}
	}
	a, b := family.Volume{Name: "a", Path: "/a"}, family.Volume{Name: "b", Path: "/b"}
	one, two := family.Port{Number: 1, Protocol: "tcp"}, family.Port{Number: 2, Protocol: "udp"}
	want := map[string]workload{
		"base": {"u:g", []family.Volume{a}, []family.Port{one}},
		"top":  {"u:g", []family.Volume{b, a}, []family.Port{two, one}},
		"own":  {"v", []family.Volume{b, a}, []family.Port{one, two}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if top, base := f.Images[1], f.Images[0]; base.Runs() || !top.Runs() {
		t.Errorf("base runs: %t, top runs: %t", base.Runs(), top.Runs())
	}
}
