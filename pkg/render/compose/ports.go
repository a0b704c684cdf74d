package compose

import (
	"strings"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// hostPorts counts the containers that declare each port.
func hostPorts(f *family.Family) map[string]int {
	containers := map[string]int{}
	for _, image := range f.Images {
		if !image.Runs() {
			continue
		}
		for _, port := range image.Ports() {
			containers[port] += replicas(image.Workload)
		}
	}
	return containers
}

func replicas(w family.Workload) int {
	if w.Singleton {
		return 1
	}
	return w.Replicas
}

// host is the address at which ports are published. Unless the environment has another, only this machine can reach it, because ports that
// Docker publishes at all addresses bypass the machine's firewall.
// https://docs.docker.com/engine/network/port-publishing/
const host = "${PULPIMG_PUBLISH:-127.0.0.1}"

// ports publishes the ports that an image declares, as themselves. One that several containers declare gets a free port for each: they
// cannot all have the same.
func ports(image *family.Image, containers map[string]int) []string {
	var out []string
	for _, declared := range image.Ports() {
		port := strings.TrimSuffix(declared, "/tcp")
		at, _, _ := strings.Cut(port, "/")
		if containers[declared] > 1 {
			at = ""
		}
		out = append(out, host+":"+at+":"+port)
	}
	return out
}
