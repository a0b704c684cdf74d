package kubernetes

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// workload returns what runs an image and what it needs around it.
func (b *builder) workload(image *family.Image) []Object {
	var objects []Object
	if image.Workload.Kind == family.KindStatefulSet || hasOwnService(image) {
		objects = append(objects, b.own(image))
	}
	if b.family.Kubernetes.NetworkPolicy {
		objects = append(objects, b.networkPolicy(image, objectName(image.Name)))
	}
	switch image.Workload.Kind {
	case family.KindDeployment:
		objects = append(objects, b.deployment(image))
	case family.KindDaemonSet:
		objects = append(objects, b.daemonSet(image))
	case family.KindJob:
		objects = append(objects, b.job(image))
	case family.KindCronJob:
		objects = append(objects, b.cronJob(image))
	default:
		objects = append(objects, b.statefulSet(image))
	}
	if image.Workload.DisruptionBudget != nil {
		objects = append(objects, b.disruptionBudget(image))
	}
	return objects
}

// deployment runs an image whose pods have no names of their own.
func (b *builder) deployment(image *family.Image) Object {
	name := objectName(image.Name)
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: b.meta(name, name),
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(image.Workload.Replicas)),
			Strategy: strategy(image),
			Selector: &metav1.LabelSelector{MatchLabels: b.selector(name)},
			Template: b.template(image),
		},
	}
}

// strategy ends the old pod of a singleton before the new one starts. Of other images, it starts a new pod and ends an old one when that is ready.
func strategy(image *family.Image) appsv1.DeploymentStrategy {
	if image.Workload.Singleton {
		return appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType}
	}
	return appsv1.DeploymentStrategy{
		Type:          appsv1.RollingUpdateDeploymentStrategyType,
		RollingUpdate: &appsv1.RollingUpdateDeployment{MaxUnavailable: new(intstr.FromInt(0)), MaxSurge: new(intstr.FromInt(1))},
	}
}

// statefulSet runs an image under names that stay: NAME-0, NAME-1. The pods do not wait for each other.
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

// daemonSet runs an image on each node.
func (b *builder) daemonSet(image *family.Image) Object {
	name := objectName(image.Name)
	return &appsv1.DaemonSet{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "DaemonSet"},
		ObjectMeta: b.meta(name, name),
		Spec: appsv1.DaemonSetSpec{
			UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType},
			Selector:       &metav1.LabelSelector{MatchLabels: b.selector(name)},
			Template:       b.template(image),
		},
	}
}

// template returns the pods of a workload, which have their environment from the ConfigMap.
func (b *builder) template(image *family.Image) corev1.PodTemplateSpec {
	name := objectName(image.Name)
	t := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: b.labels(name), Annotations: annotations(image)},
		Spec:       b.podSpec(image),
	}
	if len(b.plainValues()) > 0 {
		if t.Annotations == nil {
			t.Annotations = map[string]string{}
		}
		t.Annotations[annotationEnvironment] = b.environmentDigest()
		main := &t.Spec.Containers[0]
		main.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: b.configMapName()},
		}}}
	}
	linger(&t.Spec, image)
	t.Spec.TopologySpreadConstraints = b.spread(image)
	return t
}

// lingerSeconds is how long a pod that is to end goes on to answer.
const lingerSeconds = 5

// linger lets a pod that others reach go on for some seconds when it is to end. It is taken out of its Service at the same time as it is told to
// end, but it takes a while until every node knows: requests that arrive meanwhile would be refused. The kubelet itself sleeps, so that the image
// needs no program for it. The time counts as part of the time to end, so there is as much more of that.
// https://kubernetes.io/docs/tutorials/services/pods-and-endpoint-termination-flow/
// https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/#hook-handler-implementations
func linger(pod *corev1.PodSpec, image *family.Image) {
	w := image.Workload
	if w.Singleton || w.RunsOnce() || len(w.Ports) == 0 {
		return // nothing reaches it, or nothing takes its place in time
	}
	pod.Containers[0].Lifecycle = &corev1.Lifecycle{PreStop: &corev1.LifecycleHandler{Sleep: &corev1.SleepAction{Seconds: lingerSeconds}}}
	*pod.TerminationGracePeriodSeconds += lingerSeconds
}

// spread returns what the pods of an image are spread over, as far as there is room.
// https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/
func (b *builder) spread(image *family.Image) []corev1.TopologySpreadConstraint {
	key, ok := map[string]string{"host": corev1.LabelHostname, "zone": corev1.LabelTopologyZone}[image.Workload.SpreadOver]
	if !ok {
		return nil
	}
	return []corev1.TopologySpreadConstraint{{
		MaxSkew:           1,
		TopologyKey:       key,
		WhenUnsatisfiable: corev1.ScheduleAnyway,
		LabelSelector:     &metav1.LabelSelector{MatchLabels: b.selector(objectName(image.Name))},
	}}
}
