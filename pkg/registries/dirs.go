package registries

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readDirs reads the directories that have one directory for each registry. The first one that has a registry counts, as it does for the
// programs that they belong to.
//
// https://github.com/containers/image/blob/main/docs/containers-certs.d.5.md
// https://docs.docker.com/engine/security/certificates/
// https://github.com/containerd/containerd/blob/main/docs/hosts.md
func (c *Config) readDirs(o Options) error {
	config := o.Getenv("XDG_CONFIG_HOME")
	if home := o.Getenv("HOME"); config == "" && home != "" {
		config = filepath.Join(home, ".config")
	}
	certs := map[string]bool{}
	for _, program := range []string{"containers", "docker", "containerd"} {
		var roots []string
		if config != "" {
			roots = append(roots, filepath.Join(config, program, "certs.d"))
		}
		for _, root := range append(roots, filepath.Join(o.Etc, program, "certs.d")) {
			if err := c.readRoot(root, certs); err != nil {
				return err
			}
		}
	}
	return nil
}

// readRoot reads the directories of registries in one directory. It leaves out what seen has, and what this user may not read.
func (c *Config) readRoot(root string, seen map[string]bool) error {
	entries, err := os.ReadDir(root)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return &FileError{root, bare(err)}
	}
	for _, entry := range entries {
		dir := filepath.Join(root, entry.Name())
		host := hostOfDir(entry.Name())
		key := CanonicalHost("https", host)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() || seen[key] {
			continue
		}
		seen[key] = true
		file := filepath.Join(dir, "hosts.toml")
		data, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) || err == nil && len(data) == 0 {
			if err := c.readCerts(dir, host); err != nil {
				return err
			}
			continue
		}
		if err == nil {
			err = c.readHosts(dir, host, string(data))
		}
		c.files[key] = hostsFile{name: file, err: bare(err)}
	}
	return nil
}

// hostOfDir returns the registry that a directory is for. containerd also writes HOST_PORT_, for file systems that have no colons.
func hostOfDir(name string) string {
	if rest, ok := strings.CutSuffix(name, "_"); ok {
		if at := strings.LastIndexByte(rest, '_'); at > 0 {
			return rest[:at] + ":" + rest[at+1:]
		}
	}
	return name
}

// readCerts reads a directory with certificates: *.crt are authorities, *.cert and *.key are what this client identifies itself with.
func (c *Config) readCerts(dir, host string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return &FileError{dir, bare(err)}
	}
	var h Host
	for _, entry := range entries {
		file := filepath.Join(dir, entry.Name())
		base, isCert := strings.CutSuffix(file, ".cert")
		switch {
		case isCert:
			h.Pairs = append(h.Pairs, Pair{Cert: file, Key: base + ".key"})
		case strings.HasSuffix(file, ".crt"):
			h.CAs = append(h.CAs, file)
		}
	}
	if err := h.readable(); err != nil {
		return err
	}
	c.add("https", host, h)
	return nil
}

// readable reports a file of a host that cannot be used. Otherwise the engine would, at a place where nobody sees what it is about.
func (h Host) readable() error {
	for _, file := range h.CAs {
		if _, err := readPEM(file); err != nil {
			return &FileError{file, err}
		}
	}
	for _, pair := range h.Pairs {
		if _, err := pair.load(); err != nil {
			return &FileError{pair.Cert, fmt.Errorf("using it with %s: %w", filepath.Base(pair.Key), bare(err))}
		}
	}
	return nil
}
