package kubernetes_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
)

// find returns the first object of a type.
func find[T any](t *testing.T, objects []kubernetes.Object) T {
	t.Helper()
	for _, o := range objects {
		if found, ok := o.(T); ok {
			return found
		}
	}
	var none T
	t.Fatalf("there is no %T", none)
	return none
}

// The kubelet says where the Service of an image is, and so a value for it is required of nobody. A bare pod has no such Service.
func TestWorkloads_ownServiceIsAValue(t *testing.T) {
	f := familytest.Parse(t, head+`environment: { WEB_SERVICE_HOST: { required: true }, WEB_SERVICE_PORT: { required: true } }
images:
  web: { from: scratch, ports: ["80"], steps: [ helpers: [exec] ], start: { command: [x] } }
`)
	opts := kubernetes.Options{Images: familytest.Digests(f)}
	objects, err := kubernetes.Workloads(f, opts)
	if err != nil {
		t.Fatal(err)
	}
	if pod := find[*appsv1.Deployment](t, objects).Spec.Template.Spec; !*pod.EnableServiceLinks {
		t.Error("pods do not get the variables of Services")
	}
	if _, err := kubernetes.Pods(f, opts); err == nil || !strings.Contains(err.Error(), "need a value for WEB_SERVICE_HOST, WEB_SERVICE_PORT") {
		t.Errorf("a bare pod: %v", err)
	}
}

// An empty value of a declared variable is none; of another one, it is the value.
func TestWorkloads_emptyValues(t *testing.T) {
	f := familytest.Parse(t, head+"environment: { DECLARED: {} }\nimages: { a: { from: scratch, env: { OTHER: x }, command: [x] } }\n")
	objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"DECLARED": "", "OTHER": ""}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"OTHER": ""}, find[*corev1.ConfigMap](t, objects).Data); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestWorkloads_tooManyValues(t *testing.T) {
	f := familytest.Parse(t, head+"images: { a: { from: scratch, command: [x] } }\n")
	large := map[string]string{"A": strings.Repeat("x", corev1.MaxSecretSize)}
	_, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f), Values: large})
	if want := "the ConfigMap would have 1048577 bytes, and Kubernetes takes 1048576 at most"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

// The Secret of the family has what was given for all of its images, whichever of them are chosen: it takes the place of the one that is there.
func TestWorkloads_secretFilesOfOtherImages(t *testing.T) {
	f := familytest.Load(t, "testdata/secrets.spec.yaml")
	report, err := f.Select("report")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := kubernetes.Workloads(report, kubernetes.Options{
		Images: familytest.Digests(report), Values: map[string]string{"DB_PASSWORD": "p"}, Files: secretFiles(),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := secretFiles()
	want["DB_PASSWORD"] = []byte("p")
	if diff := cmp.Diff(want, find[*corev1.Secret](t, objects).Data); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// The version of what an image runs as is its own tag.
func TestWorkloads_versions(t *testing.T) {
	f := familytest.Parse(t, head+"images:\n  a: { from: scratch, tags: [own], ports: [\"80\"], command: [x] }\n  b: { from: scratch, ports: [\"80\"], command: [x] }\n")
	objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f)})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, o := range objects {
		if d, ok := o.(*appsv1.Deployment); ok {
			got[d.Name] = d.Labels["app.kubernetes.io/version"] + " " + d.Spec.Template.Labels["app.kubernetes.io/version"]
		}
	}
	if diff := cmp.Diff(map[string]string{"a": "own own", "b": "t t"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
