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
	if !hasNumber(image) {
		return s
	}
	s.RunAsNonRoot = new(true)
	user, group, hasGroup := strings.Cut(image.Workload.User, ":")
	uid, err := strconv.ParseInt(user, 10, 32)
	if err != nil {
		return s // the runtime has the last word on such a number
	}
	// Where runAsUser is set, the runtime forgets the group of the image, so it is set only together with that.
	switch gid, err := strconv.ParseInt(group, 10, 32); {
	case !hasGroup:
		s.RunAsUser = new(uid)
	case err == nil:
		s.RunAsUser, s.RunAsGroup = new(uid), new(gid)
	}
	return s
}

// hasNumber reports whether containers start as a user that is a number other than root's, which is how a kubelet knows that it is not root.
// https://kubernetes.io/docs/tasks/configure-pod-container/security-context/
func hasNumber(image *family.Image) bool {
	user, _, _ := strings.Cut(image.Workload.User, ":")
	id, err := strconv.Atoi(user)
	return err == nil && id > 0
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

// podSecurityContext is what the containers of a pod have in common. A process that is not root has no capability, whatever it is allowed, so
// for one with a port below 1024 the network of the pod has no such ports.
// https://kubernetes.io/docs/tasks/administer-cluster/sysctl-cluster/#safe-and-unsafe-sysctls
func podSecurityContext(image *family.Image) *corev1.PodSecurityContext {
	s := &corev1.PodSecurityContext{SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}}
	if image.ListensWithoutRoot() {
		s.Sysctls = []corev1.Sysctl{{Name: "net.ipv4.ip_unprivileged_port_start", Value: "0"}}
	}
	return s
}
