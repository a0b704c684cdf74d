package kubernetes_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/golden"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
)

// secretFiles are the contents of the files in secrets.spec.yaml.
func secretFiles() map[string][]byte {
	return map[string][]byte{"ca.crt": []byte("ca"), "tls.key": {0xff, 0}, "tls.crt": []byte("tls")}
}

func TestWorkloads_secretFiles(t *testing.T) {
	f := familytest.Load(t, "testdata/secrets.spec.yaml")
	objects, err := kubernetes.Workloads(f, kubernetes.Options{
		Images: familytest.Digests(f), Values: map[string]string{"DB_PASSWORD": "correct horse"}, Files: secretFiles(),
	})
	golden.Compare(t, "testdata/secrets.yaml", write(t, objects, err))
	objects, err = kubernetes.Pods(f, kubernetes.Options{
		Images: familytest.Digests(f), Secret: "shop-secrets",
		Keys: map[string]kubernetes.SecretKey{"tls.key": {Secret: "web-tls", Key: "key.pem"}, "tls.crt": {Secret: "web-tls", Key: "tls.crt"}, "DB_PASSWORD": {Secret: "postgres", Key: "password"}},
	})
	golden.Compare(t, "testdata/secrets-pods.yaml", write(t, objects, err))
}

// What is given is in no other object than the Secret.
func TestWorkloads_secretFilesAreInTheSecret(t *testing.T) {
	f := familytest.Load(t, "testdata/secrets.spec.yaml")
	const content = "correct-horse"
	files := secretFiles()
	files["tls.key"] = []byte(content)
	objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f), Keys: map[string]kubernetes.SecretKey{"DB_PASSWORD": {Secret: "pg", Key: "p"}}, Files: files})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, o := range objects {
		secret, ok := o.(*corev1.Secret)
		if ok {
			found++
			if diff := cmp.Diff(files, secret.Data); diff != "" || len(secret.StringData) > 0 {
				t.Errorf("%v (-want +got):\n%s", secret.StringData, diff)
			}
			continue
		}
		if text := write(t, []kubernetes.Object{o}, nil); strings.Contains(text, content) || strings.Contains(text, "Y29ycmVjdC1ob3JzZQ") {
			t.Errorf("the secret is in\n%s", text)
		}
	}
	if found != 1 {
		t.Errorf("there are %d Secrets, want one", found)
	}
}

func TestWorkloads_secretErrors(t *testing.T) {
	f := familytest.Load(t, "testdata/secrets.spec.yaml")
	password := map[string]string{"DB_PASSWORD": "p"}
	large := secretFiles()
	for id := range large {
		large[id] = make([]byte, corev1.MaxSecretSize/3)
	}
	web, err := f.Select("web")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		family *family.Family
		opts   kubernetes.Options
		want   string
	}{
		{"nothing", f, kubernetes.Options{}, "containers of web, report need a value for DB_PASSWORD, and a file for tls.key, tls.crt, ca.crt"},
		{"no files", f, kubernetes.Options{Values: password}, "containers of web, report need a file for tls.key, tls.crt, ca.crt"},
		{"one of three", f, kubernetes.Options{Values: password, Files: map[string][]byte{"ca.crt": []byte("c"), "tls.key": []byte("k")}}, "containers of web need a file for tls.crt"},
		{"no value", web, kubernetes.Options{Files: secretFiles()}, "containers of web need a value for DB_PASSWORD"},
		{"a file and a Secret", f, kubernetes.Options{Secret: "s", Files: secretFiles()}, "ca.crt is given, and is to come from the Secret s of the cluster"},
		{"a value and a Secret", f, kubernetes.Options{Secret: "s", Values: password}, "DB_PASSWORD is given, and is to come from the Secret s of the cluster"},
		{"a file and a key", f, kubernetes.Options{Values: password, Files: secretFiles(), Keys: map[string]kubernetes.SecretKey{"tls.key": {Secret: "web-tls", Key: "k"}}},
			"tls.key is given, and is to come from the Secret web-tls of the cluster"},
		{"too much for one Secret", f, kubernetes.Options{Values: map[string]string{"DB_PASSWORD": "pp"}, Files: large}, "the Secret would have 1048577 bytes, and Kubernetes takes 1048576 at most"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.opts.Images = familytest.Digests(test.family)
			_, err := kubernetes.Workloads(test.family, test.opts)
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			var two *kubernetes.TwoSourcesError
			var missing *family.MissingError
			if errors.As(err, &two) != strings.Contains(test.want, "is given") || errors.As(err, &missing) != strings.HasPrefix(test.want, "containers") {
				t.Errorf("it is a %T", err)
			}
		})
	}
}
