package kubernetes

import (
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// networkPolicy lets others reach the pods of an image at its ports, and nowhere else. What the pods reach themselves is left open: where their
// services are, only the environment says. The pods have the name in their labels.
// https://kubernetes.io/docs/concepts/services-networking/network-policies/
func (b *builder) networkPolicy(image *family.Image, name string) Object {
	policy := &networkingv1.NetworkPolicy{
		TypeMeta:   metav1.TypeMeta{APIVersion: "networking.k8s.io/v1", Kind: "NetworkPolicy"},
		ObjectMeta: b.meta(name, name),
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchLabels: b.selector(name)},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		},
	}
	var open []networkingv1.NetworkPolicyPort
	for _, p := range ports(image) {
		open = append(open, networkingv1.NetworkPolicyPort{Protocol: new(p.Protocol), Port: new(intstr.FromInt32(p.ContainerPort))})
	}
	if len(open) > 0 { // a rule without ports would be one for all of them
		policy.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{Ports: open}}
	}
	return policy
}

// disruptionBudget bounds how many pods of an image may be evicted at once.
// https://kubernetes.io/docs/tasks/run-application/configure-pdb/
func (b *builder) disruptionBudget(image *family.Image) Object {
	name := objectName(image.Name)
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: "policy/v1", Kind: "PodDisruptionBudget"},
		ObjectMeta: b.meta(name, name),
		Spec: policyv1.PodDisruptionBudgetSpec{
			Selector:       &metav1.LabelSelector{MatchLabels: b.selector(name)},
			MinAvailable:   share(image.Workload.DisruptionBudget.MinAvailable),
			MaxUnavailable: share(image.Workload.DisruptionBudget.MaxUnavailable),
		},
	}
}

// share returns a number or a percentage, or nil for neither.
func share(text string) *intstr.IntOrString {
	if text == "" {
		return nil
	}
	return new(intstr.Parse(text))
}
