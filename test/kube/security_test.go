package kube_test

import (
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	testkube "github.com/pulpimg/pulpimg/test/kube"
)

// podsOf returns the pods that an object runs, or nothing.
func podsOf(o runtime.Object) (meta *metav1.ObjectMeta, spec *corev1.PodSpec) {
	switch o := o.(type) {
	case *corev1.Pod:
		return &o.ObjectMeta, &o.Spec
	case *appsv1.Deployment:
		return &o.Spec.Template.ObjectMeta, &o.Spec.Template.Spec
	case *appsv1.StatefulSet:
		return &o.Spec.Template.ObjectMeta, &o.Spec.Template.Spec
	case *appsv1.DaemonSet:
		return &o.Spec.Template.ObjectMeta, &o.Spec.Template.Spec
	case *batchv1.Job:
		return &o.Spec.Template.ObjectMeta, &o.Spec.Template.Spec
	case *batchv1.CronJob:
		return &o.Spec.JobTemplate.Spec.Template.ObjectMeta, &o.Spec.JobTemplate.Spec.Template.Spec
	}
	return nil, nil
}

// standard returns the strictest of the Pod Security Standards that an object's pods keep, by the code that admits pods, and what keeps them
// from a stricter one. Of an object without pods, it returns nothing.
func standard(t *testing.T, o runtime.Object) (level api.Level, why []string) {
	t.Helper()
	meta, spec := podsOf(o)
	if spec == nil {
		return "", nil
	}
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, level := range []api.Level{api.LevelRestricted, api.LevelBaseline} {
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(api.LevelVersion{Level: level, Version: api.LatestVersion()}, meta, spec))
		if result.Allowed {
			return level, why
		}
		why = append(why, fmt.Sprintf("%s: %s", level, result.ForbiddenDetail()))
	}
	return api.LevelPrivileged, why
}

// The annotation of pods says which standard they keep; without it, they keep the strictest one.
func TestThePodSecurityStandardIsTheOneThatPodsSay(t *testing.T) {
	found := map[api.Level]int{}
	check := func(name, yaml string, objects []runtime.Object) {
		t.Helper()
		for _, o := range objects {
			level, why := standard(t, o)
			if level == "" {
				continue
			}
			found[level]++
			meta, _ := podsOf(o)
			said, reasons, _ := strings.Cut(meta.Annotations["pulpimg.org/pod-security"], ": ")
			if said == "" {
				said = string(api.LevelRestricted)
			}
			if said != string(level) || (level == api.LevelRestricted) != (reasons == "") {
				t.Errorf("%s: a pod says %q (%s), and keeps the standard %q:\n%s\n%s", name, said, reasons, level, strings.Join(why, "\n"), yaml)
			}
		}
	}
	const head = "version: 1\nname: f\nregistry: r.example\ntag: t\nkubernetes: {storage: {size: 1Gi, volumes: [/v]}}\n"
	var families []string
	for _, user := range []string{"", `user: "0"`, "user: root", "user: app", `user: "1000"`, `user: "1000:1000"`, `user: "1000:app"`, `user: "5000000000"`} {
		for _, more := range []string{
			"command: [x]", `command: [x], ports: ["80"]`, "command: [x], volumes: [/v]", "command: [x], kubernetes: {capabilities: []}",
			"command: [x], kubernetes: {capabilities: [NET_BIND_SERVICE]}", "command: [x], kubernetes: {capabilities: [KILL]}",
			"command: [x], kubernetes: {capabilities: [NET_RAW]}", "steps: [helpers: [wait]], start: {command: [x]}",
			`steps: [helpers: [wait]], start: {command: [x], require: {sockets: [/dev/log]}}, ports: ["80"]`,
		} {
			families = append(families, head+"images: {a: {from: scratch, "+strings.TrimPrefix(user+", ", ", ")+more+"}, b: {from: scratch, volumes: [/v]}}\n")
		}
	}
	for _, yaml := range families {
		f := familytest.Parse(t, yaml)
		objects, err := kubernetes.Workloads(f, kubernetes.Options{Images: familytest.Digests(f)})
		read, err := testkube.Validate(stream(t, objects, err))
		if err != nil {
			t.Fatalf("%v\n%s", err, yaml)
		}
		check("a family", yaml, read)
	}
	for _, file := range everySpec(t) {
		f := familytest.Load(t, file)
		opts := kubernetes.Options{Images: familytest.Digests(f), Values: values(f), Files: files(f)}
		objects, err := kubernetes.Workloads(f, opts)
		read, readErr := testkube.Validate(stream(t, objects, err))
		if readErr != nil {
			t.Fatal(readErr)
		}
		check(file, "", read)
		objects, err = kubernetes.Pods(f, opts)
		if read, readErr = testkube.Validate(stream(t, objects, err)); readErr != nil {
			t.Fatal(readErr)
		}
		check(file+" as pods", "", read)
	}
	for _, level := range []api.Level{api.LevelRestricted, api.LevelBaseline, api.LevelPrivileged} {
		if found[level] < 5 {
			t.Errorf("only %d pods keep the standard %s: such a test says little", found[level], level)
		}
	}
}
