package family

import "strings"

// maxHostname is what Linux takes. https://man7.org/linux/man-pages/man7/hostname.7.html
const maxHostname = 63

// Hostname makes a hostname of the name of an image or a container, which may have '_' and be longer.
func Hostname(name string) string {
	host := strings.ReplaceAll(name, "_", "-")
	return strings.Trim(host[:min(len(host), maxHostname)], "-.")
}
