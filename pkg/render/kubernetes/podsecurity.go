package kubernetes

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// annotationPodSecurity says which of the Pod Security Standards pods keep, and why it is not the strictest one.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
const annotationPodSecurity = "pulpimg.org/pod-security"

// The Pod Security Standards that are less than restricted.
const (
	baseline   = "baseline"
	privileged = "privileged"
)

// annotations returns what the pods of an image are marked with, or nil.
func annotations(image *family.Image) map[string]string {
	level, reasons := podSecurity(image)
	if len(reasons) == 0 {
		return nil
	}
	return map[string]string{annotationPodSecurity: level + ": " + strings.Join(reasons, "; ")}
}

// podSecurity returns which standard the pods of an image keep, if it is not restricted, and what keeps them from a stricter one.
func podSecurity(image *family.Image) (level string, reasons []string) {
	w := image.Workload
	for _, socket := range w.Sockets {
		reasons = append(reasons, "a socket of the node, "+socket)
	}
	if beyond := without(w.Capabilities, baselineCapabilities()); len(beyond) > 0 {
		reasons = append(reasons, "the capabilities "+strings.Join(beyond, ", "))
	}
	if len(reasons) > 0 {
		return privileged, reasons
	}
	switch {
	case hasNumber(image):
	case family.IsRoot(w.User):
		reasons = append(reasons, "it starts as root")
	default:
		reasons = append(reasons, fmt.Sprintf("its user has a name and no number, %s", w.User))
	}
	if len(w.Volumes) > 0 {
		reasons = append(reasons, "root fills its storage")
	}
	if granted := without(w.Capabilities, []string{"NET_BIND_SERVICE"}); len(granted) > 0 {
		reasons = append(reasons, "the capabilities "+strings.Join(granted, ", "))
	}
	return baseline, reasons
}

// baselineCapabilities are what a pod may have that keeps the standard baseline.
func baselineCapabilities() []string {
	return []string{
		"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE",
		"SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
	}
}

// without returns those of some capabilities that are not among others.
func without(some, others []string) []string {
	return slices.DeleteFunc(slices.Clone(some), func(c string) bool { return slices.Contains(others, c) })
}
