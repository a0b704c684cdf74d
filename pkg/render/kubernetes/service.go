package kubernetes

import (
	"net/netip"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// services returns the Services that have pods or a host behind them. The others are expected in the cluster.
func (b *builder) services() []Object {
	var objects []Object
	for _, s := range b.kubernetes {
		switch address, err := netip.ParseAddr(s.External); {
		case s.Selector != nil:
			service := b.service(s)
			service.Spec.Selector = s.Selector
			objects = append(objects, service)
		case err == nil:
			service := b.service(s)
			service.Spec.IPFamilies = []corev1.IPFamily{ipFamily(address)}
			objects = append(objects, service, b.endpoints(s, address))
		case s.External != "":
			objects = append(objects, b.alias(s))
		}
	}
	return objects
}

// service returns a Service with an address of its own, which the kubelet tells to every container that starts after it.
func (b *builder) service(s family.KubernetesService) *corev1.Service {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: b.meta(s.Name, s.Name),
		Spec: corev1.ServiceSpec{
			Ports: []corev1.ServicePort{{Name: s.Name[:min(len(s.Name), maxPortName)], Port: int32(s.Port), TargetPort: intstr.FromInt(s.Port), Protocol: corev1.ProtocolTCP}},
		},
	}
}

// maxPortName is what the name of a port may have. https://kubernetes.io/docs/concepts/services-networking/service/#field-spec-ports
const maxPortName = 63

// endpoints leads a Service without pods to an address outside the cluster.
// https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors
func (b *builder) endpoints(s family.KubernetesService, address netip.Addr) Object {
	meta := b.meta(s.Name, s.Name)
	meta.Labels[discoveryv1.LabelServiceName] = s.Name
	meta.Labels[discoveryv1.LabelManagedBy] = "pulpimg"
	return &discoveryv1.EndpointSlice{
		TypeMeta:    metav1.TypeMeta{APIVersion: "discovery.k8s.io/v1", Kind: "EndpointSlice"},
		ObjectMeta:  meta,
		AddressType: discoveryv1.AddressType(ipFamily(address)),
		Endpoints:   []discoveryv1.Endpoint{{Addresses: []string{address.String()}}},
		Ports: []discoveryv1.EndpointPort{{
			Name: new(s.Name[:min(len(s.Name), maxPortName)]), Port: new(int32(s.Port)), Protocol: new(corev1.ProtocolTCP),
		}},
	}
}

// ipFamily returns the family of an address. A Service leads only to endpoints of its own family, and has the cluster's first one if it
// says nothing. https://kubernetes.io/docs/concepts/services-networking/dual-stack/#services
func ipFamily(address netip.Addr) corev1.IPFamily {
	if address.Is6() {
		return corev1.IPv6Protocol
	}
	return corev1.IPv4Protocol
}

// alias gives another name to a host outside the cluster.
func (b *builder) alias(s family.KubernetesService) Object {
	return &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: b.meta(s.Name, s.Name),
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: s.External},
	}
}

// own returns the Service of an image: what its ports are reached by, or what gives the pods of a StatefulSet their names. That one is headless.
// It leads to pods that are ready only, as any other: they do not look for each other by it.
func (b *builder) own(image *family.Image) Object {
	name := objectName(image.Name)
	service := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: b.meta(name, name),
		Spec:       corev1.ServiceSpec{Selector: b.selector(name)},
	}
	if image.Workload.Kind == family.KindStatefulSet {
		service.Spec.ClusterIP = corev1.ClusterIPNone
	}
	for _, p := range ports(image) {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{
			Name: p.Name, Port: p.ContainerPort, TargetPort: intstr.FromString(p.Name), Protocol: p.Protocol,
		})
	}
	return service
}

// ports returns the ports of an image, with names such as "tcp-80".
func ports(image *family.Image) []corev1.ContainerPort {
	var out []corev1.ContainerPort
	for _, p := range image.Workload.Ports {
		out = append(out, corev1.ContainerPort{
			Name: p.Protocol + "-" + strconv.Itoa(p.Number), ContainerPort: int32(p.Number), Protocol: corev1.Protocol(strings.ToUpper(p.Protocol)),
		})
	}
	return out
}
