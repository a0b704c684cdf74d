package kube

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// Capabilities returns what a container of an image may do besides what every process may: what its start needs, and what the spec
// says that its commands need. A start begins as root.
//
//   - SETUID and SETGID, to become the user of the role;
//   - CHOWN, DAC_OVERRIDE and FOWNER, to write a settings file that belongs to somebody else and leave it to them.
//
// https://man7.org/linux/man-pages/man7/capabilities.7.html
func Capabilities(image *family.Image) []string {
	wanted := slices.Clone(image.Workload.Capabilities)
	if s := image.Start; s != nil {
		if s.User != "" {
			wanted = append(wanted, "SETUID", "SETGID")
		}
		if len(s.Configure) > 0 {
			wanted = append(wanted, "CHOWN", "DAC_OVERRIDE", "FOWNER")
		}
	}
	slices.Sort(wanted)
	return slices.Compact(wanted)
}

// securityContext is as tight as the image allows. The root file system stays writable: settings are written into the image's own
// file, with its owner, mode and comments, which a mount in its place would not have.
func securityContext(image *family.Image) *corev1.SecurityContext {
	s := &corev1.SecurityContext{
		AllowPrivilegeEscalation: new(false),
		Capabilities:             capabilities(Capabilities(image)),
	}
	user, _, _ := strings.Cut(imageUser(image), ":")
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

// imageUser returns the user of an image's configuration, as far as the family says.
func imageUser(image *family.Image) string {
	for i := image; i != nil; i = i.Parent {
		if i.Config.User != "" {
			return i.Config.User
		}
	}
	return ""
}
