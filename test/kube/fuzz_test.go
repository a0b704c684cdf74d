package kube_test

import (
	"os"
	"testing"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	"github.com/pulpimg/pulpimg/pkg/spec"
	testkube "github.com/pulpimg/pulpimg/test/kube"
)

// What pulpimg prints an API server takes, whatever the spec: what it would refuse is an error about the spec.
func FuzzAnAPIServerTakesEveryFamily(f *testing.F) {
	for _, file := range append(familytest.Specs(f, "../.."), "../../pkg/render/kubernetes/testdata/kinds.spec.yaml", "../../pkg/render/kubernetes/testdata/secrets.spec.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := spec.Parse("f.yaml", data)
		if err != nil {
			t.Skip()
		}
		resolved, err := family.Resolve(s, family.Options{Assets: familytest.Assets(), Dir: t.TempDir()})
		if err != nil {
			t.Skip()
		}
		opts := kubernetes.Options{Images: familytest.Digests(resolved), Values: values(resolved), Files: files(resolved)}
		for _, s := range resolved.Kubernetes.Services {
			if s.Selector == nil && s.External == "" {
				opts.Services = append(opts.Services, family.KubernetesService{Name: s.Name, External: "192.0.2.1"})
			}
		}
		for _, objectsOf := range []func(*family.Family, kubernetes.Options) ([]kubernetes.Object, error){kubernetes.Workloads, kubernetes.Pods} {
			objects, err := objectsOf(resolved, opts)
			if err != nil {
				continue // an error
			}
			if _, err := testkube.Validate(stream(t, objects, nil)); err != nil {
				t.Errorf("%v\n%s", err, stream(t, objects, nil))
			}
		}
	})
}
