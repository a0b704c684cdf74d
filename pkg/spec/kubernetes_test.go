package spec

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParse_workloadErrors(t *testing.T) {
	family := func(s string) string { return head + "kubernetes: " + s + "\n" + images }
	image := func(s string) string { return head + "images: {a: {from: scratch, kubernetes: " + s + "}}\n" }
	for _, test := range []struct{ name, yaml, want string }{
		{"an unknown key of the family", family("{storrage: {}}"), `f.yaml:5:14: unknown key "storrage" in kubernetes (did you mean "storage"?)`},
		{"an unknown key of an image", image("{replica: 2}"), `f.yaml:5:42: unknown key "replica" in images.a.kubernetes (did you mean "replicas"?)`},
		{"no mapping", image("singleton"), `f.yaml:5:41: images.a.kubernetes has to be a mapping, not "singleton"`},
		{"a number of replicas that is none", image("{replicas: 0}"), `f.yaml:5:52: replicas has to be a number from 1 up, not the number 0`},
		{"a singleton twice", image("{singleton: true, replicas: 2}"), `f.yaml:5:41: images.a.kubernetes is a singleton and has a number of replicas (leave one of them out)`},
		{"a singleton that may be", image("{singleton: yes please}"), `f.yaml:5:53: singleton has to be true or false, not "yes please"`},
		{"a kind that is no word", image("{kind: 1}"), `f.yaml:5:48: kind has to be a string, not the number 1 (write "1")`},
		{"a policy that may be", family("{networkPolicy: yes please}"), `f.yaml:5:29: networkPolicy has to be true or false, not "yes please"`},
		{"a budget of nothing", image("{disruptionBudget: {}}"), `f.yaml:5:60: disruptionBudget needs either minAvailable or maxUnavailable (such as maxUnavailable: 1)`},
		{"a budget of both", image("{disruptionBudget: {minAvailable: 1, maxUnavailable: 50%}}"),
			`f.yaml:5:60: disruptionBudget needs either minAvailable or maxUnavailable (such as maxUnavailable: 1)`},
		{"a budget of no number", image("{disruptionBudget: {minAvailable: 0}}"), `f.yaml:5:75: minAvailable has to be a number from 1 up, not the number 0`},
		{"a budget of too many", image("{disruptionBudget: {minAvailable: 2147483648}}"), `f.yaml:5:75: minAvailable has to be 2147483647 at most, not 2147483648`},
		{"a budget of a list", image("{disruptionBudget: {minAvailable: [1]}}"), `f.yaml:5:75: minAvailable has to be a number from 1 up, not a list`},
		{"a grace without a unit", image("{grace: 30}"), `f.yaml:5:49: grace has to be a span of time, not the number 30 (such as "5s" or "1m30s")`},
		{"an amount without quotes", image("{resources: {limits: {cpu: 2}}}"), `f.yaml:5:68: cpu has to be a string, not the number 2 (write "2")`},
		{"an unknown kind of resources", image("{resources: {request: {}}}"), `f.yaml:5:54: unknown key "request" in resources (did you mean "requests"?)`},
		{"a resource that is none", image("{resources: {limits: {mem: 1Gi}}}"), `f.yaml:5:63: unknown key "mem" in limits (there is cpu, ephemeral-storage, memory)`},
		{"storage without a size", family("{storage: {volumes: [/v]}}"), `f.yaml:5:23: storage needs the key "size"`},
		{"storage of nothing", family("{storage: {size: 1Gi}}"), `f.yaml:5:23: storage needs the volumes that are kept in it (such as volumes: [/var/lib/app])`},
		{"a Service of no pods", family("{services: {db: {selector: {}}}}"), `f.yaml:5:40: selector of kubernetes.services.db selects nothing (such as selector: {app: postgres})`},
		{"a Service in and out of the cluster", family("{services: {db: {selector: {a: b}, external: h}}}"),
			`f.yaml:5:58: kubernetes.services.db has a selector, for pods of the cluster, and external, for a host outside it (keep one of them)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(test.yaml))
			if got := message(err); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestParse_workload(t *testing.T) {
	s, err := Parse("f.yaml", []byte(head+`kubernetes:
  services: { db: { port: 5432, selector: { app: postgres } }, msg: }
  storage: { size: 10Gi, access: ReadWriteOnce, class: fast, volumes: [/v] }
images:
  a:
    from: scratch
    kubernetes: { replicas: 3, grace: 10m, capabilities: [KILL], resources: { requests: { cpu: 100m }, limits: { memory: 1Gi } } }
`))
	if err != nil {
		t.Fatal(err)
	}
	k, w := s.Kubernetes, s.Images[0].Value.Kubernetes
	got := []string{k.Services[0].Name.Value, k.Services[0].Value.Selector[0].Value.Value, k.Services[1].Name.Value,
		k.Storage.Size.Value, k.Storage.Access.Value, k.Storage.Class.Value, k.Storage.Volumes[0].Value,
		w.Capabilities[0].Value, w.Resources.Requests.CPU.Value, w.Resources.Limits.Memory.Value}
	if diff := cmp.Diff("db postgres msg 10Gi ReadWriteOnce fast /v KILL 100m 1Gi", strings.Join(got, " ")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	none, err := Parse("f.yaml", []byte(head+"images: {a: {from: scratch, kubernetes: {capabilities: [], disruptionBudget: {minAvailable: 2}}}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if n := none.Images[0].Value.Kubernetes; n.Capabilities == nil || n.DisruptionBudget.MinAvailable.Number != 2 || n.DisruptionBudget.MaxUnavailable.IsSet() {
		t.Errorf("got %+v, %+v", n, n.DisruptionBudget)
	}
	if k.Services[0].Value.Port != 5432 || w.Replicas != 3 || w.Grace != 10*time.Minute || w.Singleton {
		t.Errorf("got port %d, %d replicas, grace %s, singleton %t", k.Services[0].Value.Port, w.Replicas, w.Grace, w.Singleton)
	}
}
