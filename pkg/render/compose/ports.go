package compose

import (
	"strconv"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// hostPorts counts the containers that declare each port.
func hostPorts(f *family.Family, opts Options) map[family.Port]int {
	containers := map[family.Port]int{}
	for _, image := range f.Images {
		if !opts.Runs(image) {
			continue
		}
		for _, port := range image.Workload.Ports {
			containers[port] += image.Workload.Replicas
		}
	}
	return containers
}

// host is the address at which ports are published. Unless the environment has another, only this machine can reach it, because ports that
// Docker publishes at all addresses bypass the machine's firewall.
// https://docs.docker.com/engine/network/port-publishing/
const host = "${PULPIMG_PUBLISH:-127.0.0.1}"

// ports publishes the ports that an image declares, as themselves. One that several containers declare gets a free port for each: they
// cannot all have the same.
func ports(w family.Workload, containers map[family.Port]int) []string {
	var out []string
	for _, p := range w.Ports {
		at := strconv.Itoa(p.Number)
		port := at
		if p.Protocol != "tcp" {
			port += "/" + p.Protocol
		}
		if containers[p] > 1 {
			at = ""
		}
		out = append(out, host+":"+at+":"+port)
	}
	return out
}

// sysctls returns the settings of the kernel without which a container cannot listen at its ports. A process that is not root has no capability,
// whatever it is allowed; docker lets it listen below 1024 all the same, and podman only when it is told to.
func sysctls(image *family.Image) ordered[string] {
	var out ordered[string]
	if image.ListensWithoutRoot() {
		out.add("net.ipv4.ip_unprivileged_port_start", "0")
	}
	return out
}
