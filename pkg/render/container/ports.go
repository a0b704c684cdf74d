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
