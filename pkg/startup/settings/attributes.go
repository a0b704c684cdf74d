//go:build linux

package settings

import (
	"errors"
	"strings"
	"syscall"
)

// copyAttributes gives a file the extended attributes of another one: a label of SELinux, an access control list.
// https://man7.org/linux/man-pages/man7/xattr.7.html
func copyAttributes(from, to string) error {
	names, err := attributes(from)
	if err != nil {
		return err
	}
	for _, name := range names {
		value, err := attribute(from, name)
		if err != nil {
			return err
		}
		if err := syscall.Setxattr(to, name, value, 0); err != nil {
			return err
		}
	}
	return nil
}

func attributes(file string) ([]string, error) {
	list, err := sized(func(into []byte) (int, error) { return syscall.Listxattr(file, into) })
	if errors.Is(err, syscall.ENOTSUP) || len(list) == 0 {
		return nil, nil
	}
	return strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00"), err
}

func attribute(file, name string) ([]byte, error) {
	return sized(func(into []byte) (int, error) { return syscall.Getxattr(file, name, into) })
}

// sized calls a function that says how much it has to return, and then again to get it.
func sized(read func([]byte) (int, error)) ([]byte, error) {
	size, err := read(nil)
	if err != nil || size == 0 {
		return nil, err
	}
	out := make([]byte, size)
	size, err = read(out)
	return out[:max(size, 0)], err
}
