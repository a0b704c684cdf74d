package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// maxSocket is the longest path of a socket that buildkitd listens on. Linux allows 107 bytes (unix(7)), but buildkitd uses code of
// containerd, which only allows what all systems do: https://github.com/containerd/containerd/blob/v2.4.2/pkg/sys/socket_unix.go
const maxSocket = 104

// listenAt returns the path of the socket: in the engine's directory or, if that path is too long or cannot be written as a URL, in a new
// temporary directory tmp.
func (h home) listenAt() (socket, tmp string, err error) {
	if socket = h.socket(); addressable(socket) {
		// A daemon that was killed leaves its socket, and awaitSocket must not find that one.
		if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", "", fmt.Errorf("removing the engine's last socket: %w", err)
		}
		return socket, "", nil
	}
	// It is always in /tmp: $TMPDIR may be too long as well.
	tmp, err = os.MkdirTemp("/tmp", "pulpimg-engine-")
	if err != nil {
		return "", "", fmt.Errorf("making a directory for the engine's socket: %w", err)
	}
	return filepath.Join(tmp, filepath.Base(socket)), tmp, nil
}

// addressable reports whether buildkitd can listen at a path, and whether all who read unix://PATH as a URL get the same path.
func addressable(path string) bool {
	u, err := url.Parse("unix://" + path)
	return len(path) <= maxSocket && err == nil && u.Host == "" && u.Path == path && u.String() == "unix://"+path
}
