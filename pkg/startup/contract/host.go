package contract

import (
	"net/netip"
	"strings"
)

// An IPv6 address has colons in it, so it stands in brackets where a port may follow it. What a cluster puts into the environment of its
// pods is the address alone, which is right where a host stands alone.
// https://www.rfc-editor.org/rfc/rfc3986#section-3.2.2

// asHost returns the value of a variable as it stands in a text between what is before and after it: with brackets around each IPv6
// address, if that is the place of a host.
func asHost(value, before, after string) string {
	if !strings.Contains(value, ":") || !isHostPlace(before, after) {
		return value
	}
	parts := strings.Split(value, ",") // several hosts
	for i, part := range parts {
		if addr, err := netip.ParseAddr(part); err == nil && addr.Is6() {
			parts[i] = "[" + part + "]"
		}
	}
	return strings.Join(parts, ",")
}

// beforeHost are the characters that may come before a host. A bracket is not among them: the address has its brackets already.
const beforeHost = "/@,;=('\" \t"

// isHostPlace reports whether the place between two texts is that of a host: in a URL, or before a colon, which then begins a port or a
// path. The user in a URL is not a host.
func isHostPlace(before, after string) bool {
	if before != "" && !strings.ContainsRune(beforeHost, rune(before[len(before)-1])) {
		return false
	}
	begin := strings.LastIndex(before, "://")
	if begin < 0 || strings.ContainsAny(before[begin+len("://"):], "/?#") {
		return strings.HasPrefix(after, ":") // in no URL, or behind its hosts
	}
	rest, _ := cutAuthority(after)
	return !strings.Contains(rest, "@")
}

// cutAuthority separates the rest of what names the user and the hosts of a URL from what follows it.
func cutAuthority(s string) (authority, tail string) {
	if end := strings.IndexAny(s, "/?#"); end >= 0 { // names of variables have none of these in them
		return s[:end], s[end:]
	}
	return s, ""
}
