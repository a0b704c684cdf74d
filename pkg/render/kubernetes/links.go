package kubernetes

import (
	"fmt"
	"slices"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// serviceLinks reports whether pods need the variables that the kubelet sets for the Services of their namespace: the family finds a
// Service by them, one that the spec names or one of its own images. Without such a need they are left out, because those of any Service
// in the namespace replace what an image sets itself.
// https://kubernetes.io/docs/tutorials/services/connect-applications-service/#accessing-the-service
func (b *builder) serviceLinks() bool {
	if len(b.kubernetes) > 0 {
		return true
	}
	declared := b.family.Contract.Environment
	for _, image := range b.images {
		host := ownService(image).HostVariable()
		for _, v := range declared {
			if v.Name == host && hasOwnService(image) {
				return true
			}
		}
	}
	return false
}

// hasOwnService reports whether an image gets a Service with an address, which the kubelet tells to all pods.
func hasOwnService(image *family.Image) bool {
	kind := image.Workload.Kind
	return (kind == family.KindDeployment || kind == family.KindDaemonSet) && len(image.Workload.Ports) > 0
}

// ownService returns the Service of an image, as far as its variables go.
func ownService(image *family.Image) family.KubernetesService {
	return family.KubernetesService{Name: objectName(image.Name)}
}

// links returns the variables that the kubelet sets for the Service of an image, other than those that say where it is.
// https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/envvars/envvars.go
func links(image *family.Image) []string {
	service := ownService(image)
	out := []string{service.Variable("PORT")}
	for _, p := range ports(image) {
		port := service.Variable(fmt.Sprintf("PORT_%d_%s", p.ContainerPort, p.Protocol))
		out = append(out, service.Variable("SERVICE_PORT_"+p.Name), port, port+"_PROTO", port+"_PORT", port+"_ADDR")
	}
	return out
}

// checkLinks reports variables that the spec declares and the kubelet would set to something else, because an image has a Service. One that
// is given a value keeps that.
func (b *builder) checkLinks() error {
	if !b.serviceLinks() {
		return nil
	}
	report := spec.NewReport(b.family.Spec.Filename)
	for _, image := range b.images {
		if !hasOwnService(image) {
			continue
		}
		names := links(image)
		refuse := func(name spec.Text) {
			report.Add(name.At, "give the variable or the image another name",
				`for the Service of %s, Kubernetes itself sets the variable %s, such as to "tcp://10.0.0.1:80"`, image.Name, name.Value)
		}
		for _, v := range b.family.Spec.Environment {
			if slices.Contains(names, v.Name.Value) && !b.hasValue(v.Name.Value) {
				refuse(v.Name)
			}
		}
		for _, other := range b.family.Images {
			for _, v := range variablesOf(other.Declared) {
				if slices.Contains(names, v.Value) && !b.hasValue(v.Value) {
					refuse(v)
				}
			}
		}
	}
	return report.Err()
}

// variablesOf returns the names of the variables that an image sets, as a whole or in a step.
func variablesOf(declared spec.Image) []spec.Text {
	var out []spec.Text
	for _, v := range declared.Env {
		out = append(out, v.Name)
	}
	for _, s := range declared.Steps {
		for _, v := range s.Env {
			out = append(out, v.Name)
		}
	}
	return out
}
