package kubernetes_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

func write(t *testing.T, objects []kubernetes.Object, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := kubernetes.Write(&b, objects); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

const server = "pulp.example.com"

func TestWorkloads_pulp(t *testing.T) {
	f := familytest.Load(t, "../../../specs/pulp.yaml")
	opts := kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"PULP_SERVER_NAME": server}, Services: []family.KubernetesService{
		{Name: "db", Selector: map[string]string{"app": "mongodb"}}, {Name: "msg", External: "qpid.example.com", Port: 5673},
	}}
	objects, err := kubernetes.Workloads(f, opts)
	golden.Compare(t, "testdata/pulp.yaml", write(t, objects, err))
	opts.Services = nil
	objects, err = kubernetes.Pods(f, opts)
	golden.Compare(t, "testdata/pulp-pods.yaml", write(t, objects, err))
}

func TestWorkloads_everything(t *testing.T) {
	f := familytest.Load(t, "testdata/everything.spec.yaml")
	objects, err := kubernetes.Workloads(f, kubernetes.Options{
		Images: familytest.Digests(f), Namespace: "shop", PullSecret: "registry",
		Values:   map[string]string{"DB_PASSWORD": `a"b$(C)$$`, "GREETING": "costs $(MONEY) $$", "EXTRA": "1"},
		Services: []family.KubernetesService{{Name: "db", External: "192.0.2.7"}},
	})
	golden.Compare(t, "testdata/everything.yaml", write(t, objects, err))
	objects, err = kubernetes.Pods(f, kubernetes.Options{
		Images: familytest.Digests(f), Secret: "shop-secrets", Moving: true,
		Values: map[string]string{"GREETING": "costs $(MONEY) $$"},
	})
	golden.Compare(t, "testdata/everything-pods.yaml", write(t, objects, err))
}

// Variables that the kubelet itself sets are refused.
func TestWorkloads_kubeletVariables(t *testing.T) {
	const head = "version: 1\nname: f\nregistry: r.example\ntag: t\n"
	const web = "images:\n  web: {from: scratch, command: [x], ports: [\"80\"], kubernetes: {singleton: true}}\n"
	const found = "kubernetes: {services: {db: {port: 5432}}}\nenvironment: {DB_SERVICE_HOST: {}, "
	for _, test := range []struct {
		name, yaml string
		values     map[string]string
		links      bool
		want       string
	}{
		{"no Service is asked for", head + "environment: {WEB_PORT: {default: a}}\n" + web, nil, false, ""},
		{"another Service is asked for", head + found + "WEB_PORT: {default: a}}\n" + web, nil, true,
			`f.yaml:6:36: for the Service of web, Kubernetes itself sets the variable WEB_PORT, such as to "tcp://10.0.0.1:80" (give the variable or the image another name)`},
		{"that of an image is asked for", head + "environment: {WEB_SERVICE_HOST: {}, WEB_PORT_80_TCP_ADDR: {}}\n" + web, nil, true,
			`f.yaml:5:37: for the Service of web, Kubernetes itself sets the variable WEB_PORT_80_TCP_ADDR, such as to "tcp://10.0.0.1:80" (give the variable or the image another name)`},
		{"a variable of an image", head + found + "A: {}}\n" + web + "  a: {from: scratch, command: [x], env: {WEB_SERVICE_PORT_TCP_80: b}}\n", nil, true,
			`f.yaml:9:42: for the Service of web, Kubernetes itself sets the variable WEB_SERVICE_PORT_TCP_80, such as to "tcp://10.0.0.1:80" (give the variable or the image another name)`},
		{"a variable of a step", head + found + "A: {}}\n" + web + "  a: {from: scratch, command: [x], steps: [env: {WEB_SERVICE_PORT_TCP_80: b}]}\n", nil, true,
			`f.yaml:9:50: for the Service of web, Kubernetes itself sets the variable WEB_SERVICE_PORT_TCP_80, such as to "tcp://10.0.0.1:80" (give the variable or the image another name)`},
		{"a variable with a value", head + found + "WEB_PORT: {default: a}}\n" + web, map[string]string{"WEB_PORT": "8000"}, true, ""},
		{"where the Service is", head + found + "WEB_SERVICE_HOST: {}, WEB_SERVICE_PORT: {}}\n" + web, nil, true, ""},
		{"an image whose pods have names of their own", head + found + "WEB_PORT: {default: a}}\n" + strings.Replace(web, "singleton: true", "kind: statefulset", 1), nil, true, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := familytest.Parse(t, test.yaml)
			objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f), Values: test.values})
			if test.want != "" {
				if err == nil || err.Error() != test.want {
					t.Errorf("error %v, want %s", err, test.want)
				}
				return
			}
			if text := write(t, objects, err); strings.Contains(text, "enableServiceLinks: true") != test.links || !strings.Contains(text, "enableServiceLinks: ") {
				t.Errorf("want the variables of Services: %v\n%s", test.links, text)
			}
		})
	}
}

func TestWorkloads_deterministic(t *testing.T) {
	var first string
	for i := range 25 {
		f := familytest.Load(t, "testdata/everything.spec.yaml")
		objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"DB_PASSWORD": "p", "A": "1", "B": "2", "C": "3"}})
		got := write(t, objects, err)
		if i == 0 {
			first = got
		}
		if got != first {
			t.Fatalf("time %d (-first +now):\n%s", i+1, cmp.Diff(first, got))
		}
	}
}

// A secret that is anywhere else than in the Secret is one that everybody can read who may list pods.
func TestWorkloads_secret(t *testing.T) {
	f := familytest.Load(t, "testdata/everything.spec.yaml")
	const password, encoded = "correct-horse", "Y29ycmVjdC1ob3JzZQ=="
	for name, objectsOf := range map[string]func(*family.Family, kubernetes.Options) ([]kubernetes.Object, error){"workloads": kubernetes.Workloads, "pods": kubernetes.Pods} {
		objects, err := objectsOf(f, kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"DB_PASSWORD": password}})
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, o := range objects {
			text := write(t, []kubernetes.Object{o}, nil)
			isSecret := o.GetObjectKind().GroupVersionKind().Kind == "Secret"
			if strings.Contains(text, encoded) != isSecret || strings.Contains(text, password) {
				t.Errorf("%s: %s shows the secret: %t", name, o.GetName(), !isSecret)
			}
			if isSecret {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: %d Secrets", name, found)
		}
	}
}

func TestFilenames(t *testing.T) {
	f := familytest.Load(t, "testdata/everything.spec.yaml")
	objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"DB_PASSWORD": "p"}})
	if err != nil {
		t.Fatal(err)
	}
	files, err := kubernetes.Files(objects)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, file := range files {
		got = append(got, file.Mode.String()+" "+file.Name)
	}
	want := []string{
		"-rw------- secret-shop.yaml",
		"-rw-r--r-- persistentvolumeclaim-shop-storage.yaml",
		"-rw-r--r-- service-db.yaml",
		"-rw-r--r-- service-shop-web.yaml",
		"-rw-r--r-- deployment-shop-web.yaml",
		"-rw-r--r-- service-shop-clock.yaml",
		"-rw-r--r-- statefulset-shop-clock.yaml",
		"-rw-r--r-- kustomization.yaml",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	golden.Compare(t, "testdata/kustomization.yaml", string(files[len(files)-1].Data))
}

const head = "version: 1\nname: f\nregistry: r.example\ntag: t\n"

func TestWorkloads_errors(t *testing.T) {
	long := strings.Repeat("a", 53)
	for _, test := range []struct{ name, yaml, want string }{
		{"a name that is too long", head + "images: {" + long + ": {from: scratch, command: [x]}}\n",
			`f.yaml:5:10: "` + long + `" is no name for objects of Kubernetes (begin it with a letter, end it with a letter or a digit, and give it at most 52 characters)`},
		{"a name that begins with a digit", head + "images: {1a: {from: scratch, command: [x]}}\n",
			`f.yaml:5:10: "1a" is no name for objects of Kubernetes (begin it with a letter, end it with a letter or a digit, and give it at most 52 characters)`},
		{"two images that differ in what no name can say", head + "images: {a.b: {from: scratch, command: [x]}, a_b: {from: scratch, command: [x]}}\n",
			`f.yaml:5:46: the objects of a_b would have the name of a.b: a-b (give one of them another name)`},
		{"an image called like a Service", head + "environment: {DB_SERVICE_HOST: {}}\nkubernetes: {services: {db: {port: 1}}}\nimages: {db: {from: scratch, command: [x]}}\n",
			`f.yaml:7:10: the objects of db would have the name of a Service: db (give one of them another name)`},
		{"a socket with a colon", head + "images: {a: {from: scratch, steps: [helpers: [wait]], start: {require: {sockets: [\"/a:b\"]}, command: [x]}}}\n",
			`f.yaml:5:10: Kubernetes can mount nothing at "/a:b" in a`},
		{"a socket in a volume's place", head + "kubernetes: {storage: {size: 1Gi, volumes: [/a]}}\nimages: {a: {from: scratch, volumes: [/a], steps: [helpers: [wait]], start: {require: {sockets: [/a, /a]}, command: [x]}}}\n",
			`f.yaml:6:10: a has both a socket and a volume at "/a"`},
		{"more than the limit", head + "images:\n  a:\n    from: scratch\n    command: [x]\n    kubernetes: { resources: { requests: { memory: 1Gi }, limits: { memory: 1000Mi } } }\n",
			`f.yaml:9:17: a requests more memory than its limit: 1Gi, 1000Mi`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := familytest.Parse(t, test.yaml)
			_, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f)})
			var errs spec.Errors
			if !errors.As(err, &errs) || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestWorkloads_missing(t *testing.T) {
	f := familytest.Load(t, "../../../specs/pulp.yaml")
	only, err := f.Select("pulp-base")
	if err != nil {
		t.Fatal(err)
	}
	given := map[string]string{"PULP_SERVER_NAME": server}
	for _, test := range []struct {
		name   string
		family *family.Family
		opts   kubernetes.Options
		want   string
	}{
		{"a value", f, kubernetes.Options{Images: familytest.Digests(f)},
			"containers of pulp-beat, pulp-resource-manager, pulp-worker need a value for PULP_SERVER_NAME"},
		{"an empty value", f, kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"PULP_SERVER_NAME": ""}},
			"containers of pulp-beat, pulp-resource-manager, pulp-worker need a value for PULP_SERVER_NAME"},
		{"a reference", f, kubernetes.Options{Values: given}, "there is no reference for the image pulp-beat"},
		{"an image to run", only, kubernetes.Options{Images: familytest.Digests(f)}, "none of these images is meant to be run: they have no start, no entrypoint and no command"},
		{"a Service", f, kubernetes.Options{Images: familytest.Digests(f), Values: given, Services: []family.KubernetesService{{Name: "dp"}}},
			`../../../specs/pulp.yaml declares no Service "dp" under kubernetes.services (did you mean "db"?)`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if _, err := kubernetes.Workloads(test.family, test.opts); err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestWorkloads_socketNames(t *testing.T) {
	f := familytest.Parse(t, head+`images:
  a:
    from: scratch
    steps: [ helpers: [wait] ]
    start: { require: { sockets: [/dev/log, /de/vlog, "/run/My App_1.sock", /storage, /socket-5, /run/b.sock] }, command: [x] }
`)
	objects, err := kubernetes.Pods(f, kubernetes.Options{Images: familytest.Digests(f)})
	if err != nil {
		t.Fatal(err)
	}
	pod, ok := objects[0].(*corev1.Pod)
	if !ok {
		t.Fatalf("got %T", objects[0])
	}
	var got []string
	for i, v := range pod.Spec.Volumes {
		got = append(got, v.Name+" "+v.HostPath.Path)
		if m := pod.Spec.Containers[0].VolumeMounts[i]; m.Name != v.Name || m.MountPath != v.HostPath.Path {
			t.Errorf("%s is mounted as %s at %s", v.HostPath.Path, m.Name, m.MountPath)
		}
	}
	if diff := cmp.Diff([]string{"devlog /dev/log", "socket-1 /de/vlog", "socket-2 /run/My App_1.sock", "socket-3 /storage", "socket-5 /socket-5", "socket-6 /run/b.sock"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// A Service has the IP family of the address that it leads to.
func TestWorkloads_addressFamily(t *testing.T) {
	f := familytest.Parse(t, head+`environment: { DB_SERVICE_HOST: {} }
kubernetes: { services: { db: { port: 5432 } } }
images: { a: { from: scratch, command: [x] } }
`)
	for address, want := range map[string]string{"192.0.2.7": "IPv4", "2001:db8::7": "IPv6"} {
		objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f), Services: []family.KubernetesService{{Name: "db", External: address}}})
		text := write(t, objects, err)
		if !strings.Contains(text, "ipFamilies:\n  - "+want+"\n") || !strings.Contains(text, "addressType: "+want+"\n") {
			t.Errorf("%s:\n%s", address, text)
		}
	}
}

// A required variable that comes from a Secret or from a Service has its value from there.
func TestWorkloads_valueFromCluster(t *testing.T) {
	f := familytest.Parse(t, head+`environment: { DB_SERVICE_HOST: { required: true }, DB_SERVICE_PORT: { required: true }, KEY: { required: true, secret: true } }
kubernetes: { services: { db: { port: 5432 } } }
images: { a: { from: scratch, steps: [ helpers: [wait] ], start: { command: [x] } } }
`)
	if _, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f), Secret: "keys"}); err != nil {
		t.Error(err)
	}
	if _, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f)}); err == nil || !strings.Contains(err.Error(), "need a value for KEY") {
		t.Errorf("got %v", err)
	}
}

// What pkg/family lets through, Kubernetes can read.
func TestWorkloads_amounts(t *testing.T) {
	for resource, amounts := range map[string][]string{
		"cpu":    {"0", "1", "0.001", "999999999.999", "999999999m"},
		"memory": {"1048576", "999999999999999", "999999999.999P", "999999999.999Pi", "1048.6k", "1.5Gi"},
	} {
		for _, amount := range amounts {
			f := familytest.Parse(t, head+"images: {a: {from: scratch, command: [x], kubernetes: {resources: {limits: {"+resource+": \""+amount+"\"}}}}}\n")
			objects, err := kubernetes.Pods(f, kubernetes.Options{Images: familytest.Digests(f)})
			if text := write(t, objects, err); !strings.Contains(text, "limits:\n        "+resource+": ") {
				t.Errorf("%s %s:\n%s", resource, amount, text)
			}
		}
	}
}
