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
	if !filepath.IsAbs(config) { // the engine, which reads the files too, is in another directory
		config = ""
		if home := o.Getenv("HOME"); home != "" {
			config = filepath.Join(home, ".config")
		}
	}
	certs := map[string]bool{}
	for _, program := range []string{"containers", "docker", "containerd"} {
		var roots []string
		if config != "" {
			roots = append(roots, filepath.Join(config, program, "certs.d"))
		}
		for _, root := range append(roots, filepath.Join(o.Root, "/etc", program, "certs.d")) {
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
		c.problems[key] = c.readDir(dir, host)
	}
	return nil
}

// A problem is what is wrong with the files of a registry, or nothing.
type problem struct {
	file string
	err  error
	// mirrors is set if it is about the mirrors of the registry alone.
	mirrors bool
}

// readDir reads the directory of a registry: hosts.toml, or certificates if there is none.
func (c *Config) readDir(dir, host string) problem {
	if _, err := os.ReadDir(dir); errors.Is(err, fs.ErrPermission) {
		return problem{}
	}
	file := filepath.Join(dir, "hosts.toml")
	data, err := os.ReadFile(file)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && len(data) == 0:
		return c.readCerts(dir, host)
	case err != nil:
		return problem{file: file, err: bare(err)}
	}
	var mirrors *mirrorsError
	err = c.readHosts(dir, host, string(data))
	return problem{file: file, err: err, mirrors: errors.As(err, &mirrors)}
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
func (c *Config) readCerts(dir, host string) problem {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return problem{file: dir, err: bare(err)}
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
	if bad := h.readable(); bad != nil {
		return problem{file: bad.File, err: bad.Err}
	}
	if host == everyOther && !h.isZero() {
		return problem{file: dir, err: errEveryOther}
	}
	add(c.hosts, "https", host, h)
	return problem{}
}

// readable reports a file of a host that cannot be used. Otherwise the engine would, at a place where nobody sees what it is about.
func (h Host) readable() *FileError {
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
