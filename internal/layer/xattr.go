package layer

import "strings"

// Portable returns the extended attributes that belong to a file of an image, by name. The others are of the machine that it lies on: how an
// overlay file system keeps its books, and the labels and signatures of the system's own policy.
func Portable(xattrs map[string][]byte) map[string]string {
	var out map[string]string
	for name, value := range xattrs {
		if ofMachine(name) {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = string(value)
	}
	return out
}

func ofMachine(name string) bool {
	switch name {
	case "security.selinux", "security.ima", "security.evm", "security.apparmor":
		return true
	}
	for _, prefix := range []string{"trusted.overlay.", "user.overlay.", "user.fuseoverlayfs.", "user.containers."} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return strings.HasPrefix(name, "security.SMACK")
}
