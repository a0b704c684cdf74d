//go:build linux

package settings

import (
	"errors"
	"syscall"

	"github.com/containerd/continuity/sysx"
)

// copyAttributes gives a file the extended attributes of another one: a label of SELinux, an access control list.
// https://man7.org/linux/man-pages/man7/xattr.7.html
func copyAttributes(from, to string) error {
	names, err := sysx.Listxattr(from)
	if errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		value, err := sysx.Getxattr(from, name)
		if err != nil {
			return err
		}
		if err := sysx.Setxattr(to, name, value, 0); err != nil {
			return err
		}
	}
	return nil
}
