package kubernetes

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// workload returns what runs an image and, where it needs one, the Service before it.
func (b *builder) workload(image *family.Image) []Object {
	if !image.Workload.Singleton {
		return []Object{b.own(image, true), b.statefulSet(image)}
	}
	if hasOwnService(image) {
		return []Object{b.own(image, false), b.deployment(image)}
	}
	return []Object{b.deployment(image)}
}

// deployment runs an image once: the old pod ends before the new one begins.
func (b *builder) deployment(image *family.Image) Object {
	name := objectName(image.Name)
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: b.meta(name, name),
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)),
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Selector: &metav1.LabelSelector{MatchLabels: b.selector(name)},
			Template: b.template(image),
		},
	}
}

// statefulSet runs an image several times, under names that stay: NAME-0, NAME-1. The pods do not wait for each other.
func (b *builder) statefulSet(image *family.Image) Object {
	name := objectName(image.Name)
	return &appsv1.StatefulSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "StatefulSet"},
		ObjectMeta: b.meta(name, name),
		Spec: appsv1.StatefulSetSpec{
			Replicas:            new(int32(image.Workload.Replicas)),
			ServiceName:         name,
			PodManagementPolicy: appsv1.ParallelPodManagement,
			UpdateStrategy:      appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType},
			Selector:            &metav1.LabelSelector{MatchLabels: b.selector(name)},
			Template:            b.template(image),
		},
	}
}

// template returns the pods of a workload, which have their environment from the ConfigMap.
func (b *builder) template(image *family.Image) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: b.labels(objectName(image.Name))},
		Spec:       b.podSpec(image),
	}
	if len(b.plainValues()) > 0 {
		t.Annotations = map[string]string{annotationEnvironment: b.environmentDigest()}
		main := &t.Spec.Containers[0]
		main.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: b.configMapName()},
		}}}
	}
	return t
}
