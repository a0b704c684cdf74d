package layer

import "strings"

// Portable returns the extended attributes that belong to a file of an image, by name. It leaves out those that belong to the machine: the
// marks of overlay file systems, and the labels and signatures of the machine's security policy.
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
