package kubernetes

import (
	"math"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// readiness asks what the image has a health check for or, without one, whether its port is open. It is the only probe: a container whose process
// ended is restarted without one, and one whose database is away should wait for it, not die of it. It needs no start period: what is not ready
// yet is no failure to Kubernetes.
func readiness(image *family.Image) *corev1.Probe {
	p := image.Workload.Probe
	if p == nil {
		return nil
	}
	return &corev1.Probe{
		ProbeHandler:     handler(*p),
		PeriodSeconds:    seconds(p.Interval),
		TimeoutSeconds:   seconds(p.Timeout),
		FailureThreshold: int32(p.Failures),
	}
}

func handler(p family.Probe) corev1.ProbeHandler {
	if p.HTTP != nil {
		return corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: p.HTTP.Path, Port: intstr.FromInt(p.HTTP.Port)}}
	}
	if p.TCP > 0 {
		return corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt(p.TCP)}}
	}
	words := p.Command
	if len(words) == 0 {
		words = []string{"/bin/sh", "-c", p.Script}
	}
	command := make([]string, len(words))
	for i, word := range words {
		command[i] = escapeDollar(word)
	}
	return corev1.ProbeHandler{Exec: &corev1.ExecAction{Command: command}}
}

// seconds counts the seconds of a span of time, up to the next whole one.
func seconds(d time.Duration) int32 {
	whole := d / time.Second
	if d%time.Second > 0 {
		whole++
	}
	return int32(min(whole, math.MaxInt32))
}
