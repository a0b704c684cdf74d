package kube_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/render/kubernetes"
	testkube "github.com/pulpimg/pulpimg/test/kube"
)

// What "Docker: Building and using a base image for Pulp services in Kubernetes" of September 2014 says of its pods/pulp-beat.json, fact
// by fact, looked up in what was read back from the YAML.
func TestThePodOfBeatIsThatOfTheSeed(t *testing.T) {
	whole := familytest.Load(t, "../../specs/pulp.yaml")
	f, err := whole.Select("pulp-beat")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := kubernetes.Pods(f, kubernetes.Options{Images: familytest.Digests(f), Values: map[string]string{"PULP_SERVER_NAME": "pulp.example.com"}})
	read, err := testkube.Validate(stream(t, objects, err))
	if err != nil {
		t.Fatal(err)
	}
	if len(read) != 1 {
		t.Fatalf("%d objects for one pod", len(read))
	}
	pod, ok := read[0].(*corev1.Pod)
	if !ok {
		t.Fatalf("got %T", read[0])
	}
	if len(pod.Spec.Containers) != 1 || len(pod.Spec.Volumes) != 1 || len(pod.Spec.Containers[0].VolumeMounts) != 1 {
		t.Fatalf("%d containers, %d volumes", len(pod.Spec.Containers), len(pod.Spec.Volumes))
	}
	container, volume := pod.Spec.Containers[0], pod.Spec.Volumes[0]
	mount := container.VolumeMounts[0]
	for fact, holds := range map[string]bool{
		"the pod is called pulp-beat":                                                    pod.Name == "pulp-beat",
		"it has the label name=pulp-beat":                                                pod.Labels["name"] == "pulp-beat",
		"its only container is called pulp-beat":                                         container.Name == "pulp-beat",
		"the container runs the image of beat, by its digest":                            container.Image == familytest.Digests(f)["pulp-beat"],
		"it runs what the image says":                                                    container.Command == nil && container.Args == nil,
		"PULP_SERVER_NAME is the only variable that is passed in":                        len(container.Env) == 1 && container.Env[0] == corev1.EnvVar{Name: "PULP_SERVER_NAME", Value: "pulp.example.com"},
		"the rest comes from the kubelet, for the Services":                              container.EnvFrom == nil && *pod.Spec.EnableServiceLinks,
		"the pod has a volume called devlog":                                             volume.Name == "devlog",
		"which is the host's /dev/log":                                                   volume.HostPath != nil && volume.HostPath.Path == "/dev/log",
		"a socket":                                                                       volume.HostPath != nil && *volume.HostPath.Type == corev1.HostPathSocket,
		"the container has the volume by its name":                                       mount.Name == volume.Name,
		"mounted read and write":                                                         !mount.ReadOnly,
		"on /dev/log":                                                                    mount.MountPath == "/dev/log" && mount.SubPath == "",
		"a container that dies because its database is missing is started again":         pod.Spec.RestartPolicy == corev1.RestartPolicyAlways,
		"the image is started without a shell in between, so that a stop signal reaches": len(pod.Spec.InitContainers) == 0 && container.Lifecycle == nil,
	} {
		if !holds {
			t.Errorf("it is no longer so that %s", fact)
		}
	}
}
