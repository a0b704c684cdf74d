package registries

import (
	"net"
	"net/netip"
	"strings"
)

// CanonicalHost writes HOST or HOST:PORT in one way, so that two hosts can be compared: in lower case, without the default port of
// the scheme, and an address of IPv6 in its shortest form and in brackets.
func CanonicalHost(scheme, host string) string {
	host = strings.ToLower(host)
	hostname, port, err := net.SplitHostPort(host)
	if err != nil {
		hostname, port = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ""
	}
	if ip, err := netip.ParseAddr(hostname); err == nil {
		hostname = ip.Unmap().String()
	}
	if port != "" && port != defaultPort(scheme) {
		return net.JoinHostPort(hostname, port)
	}
	if strings.Contains(hostname, ":") {
		return "[" + hostname + "]"
	}
	return hostname
}

func defaultPort(scheme string) string {
	if scheme == "http" {
		return "80"
	}
	return "443"
}
