package kubernetes

import (
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// securityContext is as tight as the image allows. The root file system stays writable: settings are written into the image's own
// file, with its owner, mode and comments, which a mount in its place would not have.
func securityContext(image *family.Image) *corev1.SecurityContext {
	s := &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		Capabilities:             capabilities(image.Workload.Capabilities),
	}
	user, _, _ := strings.Cut(image.Workload.User, ":")
	if id, err := strconv.Atoi(user); err == nil && id > 0 {
		s.RunAsNonRoot = new(true)
	}
	return s
}

// rootWith is for a container that is root and may do only this.
func rootWith(add ...string) *corev1.SecurityContext {
	return &corev1.SecurityContext{AllowPrivilegeEscalation: new(false), Capabilities: capabilities(add), RunAsUser: new(int64(0))}
}

func capabilities(add []string) *corev1.Capabilities {
	c := &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}}
	for _, name := range add {
		c.Add = append(c.Add, corev1.Capability(name))
	}
	return c
}
