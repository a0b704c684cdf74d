package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// maxSocket is the longest path of a socket that buildkitd listens on. Linux allows 107 bytes (unix(7)), but buildkitd uses code of
// containerd, which only allows what all systems do: https://github.com/containerd/containerd/blob/v2.4.2/pkg/sys/socket_unix.go
const maxSocket = 104

// places are where a running engine has its sockets.
type places struct {
	socket  string // of buildkitd
	runtime string // in a user namespace, the directory that stands for /run
	tmp     string // the directory of both, to remove at the end, if they are not in the engine's directory
}

// places returns where the engine's sockets will be: in the engine's directory or, if a path is too long there or cannot be written as a URL,
// in a new temporary directory.
func (h home) places() (places, error) {
	p := places{socket: h.socket(), runtime: h.runtime()}
	// BuildKit takes the variable with the runtime directory for a list with colons.
	if addressable(p.socket) && addressable(filepath.Join(p.runtime, tracingName)) && !strings.Contains(p.runtime, ":") {
		// A daemon that was killed leaves its socket, and awaitSocket must not find that one.
		if err := os.Remove(p.socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return places{}, fmt.Errorf("removing the engine's last socket: %w", err)
		}
		return p, nil
	}
	// It is always in /tmp: $TMPDIR may be too long as well.
	tmp, err := os.MkdirTemp("/tmp", "pulpimg-engine-")
	if err != nil {
		return places{}, fmt.Errorf("making a directory for the engine's socket: %w", err)
	}
	return places{filepath.Join(tmp, filepath.Base(p.socket)), filepath.Join(tmp, filepath.Base(p.runtime)), tmp}, nil
}

// addressable reports whether buildkitd can listen at a path, and whether all who read unix://PATH as a URL get the same path.
func addressable(path string) bool {
	u, err := url.Parse("unix://" + path)
	return len(path) <= maxSocket && err == nil && u.Host == "" && u.Path == path && u.String() == "unix://"+path
}
