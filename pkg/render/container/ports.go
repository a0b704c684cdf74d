package container

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// published returns the ports to publish: those that are given, or those that the image declares, as a Compose file does.
func published(w family.Workload, o Options) []string {
	if len(o.Publish) > 0 || !hasOwnNetwork(o.Network) {
		return o.Publish
	}
	var out []string
	for _, p := range w.Ports {
		port := strconv.Itoa(p.Number)
		out = append(out, bracketed(cmp.Or(o.Address, "127.0.0.1"))+":"+port+":"+port)
		if p.Protocol != "tcp" {
			out[len(out)-1] += "/" + p.Protocol
		}
	}
	return out
}

// hasOwnNetwork reports whether a container has ports of its own. On the network of the host they are the host's, and on that of another
// container, docker refuses to publish them.
func hasOwnNetwork(network string) bool {
	return network != "host" && network != "none" && !strings.HasPrefix(network, "ns:") && !joinsContainer(network)
}

// bracketed returns an address as it stands before a port.
func bracketed(address string) string {
	if strings.Contains(address, ":") && !strings.HasPrefix(address, "[") {
		return "[" + address + "]"
	}
	return address
}

// sysctl returns the setting of the kernel without which a container cannot listen at its ports, if there is one. A process that is not root has no
// capability, whatever it is allowed; docker lets it listen below 1024 all the same, where the network is the container's own, and podman
// only when it is told to. Of another network, no container changes the settings.
// https://docs.podman.io/en/latest/markdown/podman-run.1.html#sysctl-name-value
func sysctl(image *family.Image, network string) string {
	own := network == "none" || hasOwnNetwork(network) // none is one, too, in which nobody reaches the ports
	if own && image.ListensWithoutRoot() {
		return "net.ipv4.ip_unprivileged_port_start=0"
	}
	return ""
}
