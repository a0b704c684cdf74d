package kubernetes

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// barePod is what the name of a bare Pod's image ends in, in its labels. Without that, the Service of the image would lead to the pod, and a
// DaemonSet would take it for its own.
const barePod = "-pod"

// pod returns a bare Pod, with its environment written out.
func (b *builder) pod(image *family.Image) Object {
	name := objectName(image.Name)
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: b.meta(name, name),
		Spec:       b.podSpec(image),
	}
	pod.Labels[labelName] += barePod
	pod.Labels["name"], pod.Annotations = name, annotations(image)
	main := &pod.Spec.Containers[0]
	main.Env = append(b.plainEnv(), main.Env...)
	return pod
}

// podSpec returns what the pods of an image are, but for the environment that is no secret.
func (b *builder) podSpec(image *family.Image) corev1.PodSpec {
	main := corev1.Container{
		Name:            objectName(image.Name),
		Image:           b.options.Images[image.Name],
		ImagePullPolicy: b.pullPolicy(),
		Env:             b.secretEnv(image.Workload.Required),
		Ports:           ports(image),
		Resources:       resources(image),
		ReadinessProbe:  readiness(image),
		SecurityContext: securityContext(image),
	}
	pod := corev1.PodSpec{
		Containers:                    []corev1.Container{main},
		RestartPolicy:                 restartPolicy(image),
		TerminationGracePeriodSeconds: new(int64(image.Workload.Grace / time.Second)),
		SecurityContext:               podSecurityContext(image),
		// The images talk to their services, not to the cluster.
		AutomountServiceAccountToken: new(false),
		EnableServiceLinks:           new(b.serviceLinks()),
	}
	if b.options.PullSecret != "" {
		pod.ImagePullSecrets = []corev1.LocalObjectReference{{Name: b.options.PullSecret}}
	}
	mountSockets(&pod, image)
	b.mountSecrets(&pod, image)
	b.mountStorage(&pod, image)
	return pod
}

func (b *builder) pullPolicy() corev1.PullPolicy {
	if b.options.Moving {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

// mountSockets gives a pod the sockets of its node that the image requires. The type makes the kubelet look before it starts anything.
// https://kubernetes.io/docs/concepts/storage/volumes/#hostpath
func mountSockets(pod *corev1.PodSpec, image *family.Image) {
	main := &pod.Containers[0]
	usable := func(name string) bool {
		return isObjectName(name) && name != storageVolume && name != secretsVolume &&
			!slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == name })
	}
	for i, socket := range image.Workload.Sockets {
		name := strings.ReplaceAll(socket, "/", "") // devlog, for /dev/log
		for n := i; !usable(name); n++ {
			name = fmt.Sprintf("socket-%d", n)
		}
		pod.Volumes = append(pod.Volumes, corev1.Volume{Name: name, VolumeSource: corev1.VolumeSource{
			HostPath: &corev1.HostPathVolumeSource{Path: socket, Type: new(corev1.HostPathSocket)},
		}})
		main.VolumeMounts = append(main.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: socket})
	}
}

func resources(image *family.Image) corev1.ResourceRequirements {
	return corev1.ResourceRequirements{Requests: resourceList(image.Workload.Requests), Limits: resourceList(image.Workload.Limits)}
}

func resourceList(quantities map[string]string) corev1.ResourceList {
	if len(quantities) == 0 {
		return nil
	}
	list := corev1.ResourceList{}
	for name, quantity := range quantities {
		list[corev1.ResourceName(name)] = resource.MustParse(quantity) // pkg/family has checked it
	}
	return list
}

// checkResources reports images that request more than their limit.
func checkResources(images []*family.Image, report *spec.Report) {
	for _, image := range images {
		requests, limits := resourceList(image.Workload.Requests), resourceList(image.Workload.Limits)
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
			limit, limited := limits[name]
			if request := requests[name]; limited && request.Cmp(limit) > 0 {
				report.Add(image.Workload.At, "", "%s requests more %s than its limit: %s, %s", image.Name, name, request.String(), limit.String())
			}
		}
	}
}
