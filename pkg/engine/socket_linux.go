package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
)

// maxSocket is the longest path of a socket that buildkitd listens on. Linux takes
// 107 bytes (unix(7)), but containerd, whose code it uses, wants sockets that every
// system takes: https://github.com/containerd/containerd/blob/v2.4.2/pkg/sys/socket_unix.go
const maxSocket = 104

// listenAt chooses the socket's path: in the engine's directory, or, if a socket
// cannot be or be addressed there, in a temporary directory tmp that belongs to
// the engine alone.
func (h home) listenAt() (socket, tmp string, err error) {
	if socket = h.socket(); addressable(socket) {
		// A killed daemon leaves its socket, which must not be taken for the new one's.
		if err := os.Remove(socket); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", "", fmt.Errorf("make room for the engine's socket: %w", err)
		}
		return socket, "", nil
	}
	// Always /tmp: $TMPDIR may be as long as what is replaced here.
	tmp, err = os.MkdirTemp("/tmp", "pulpimg-engine-")
	if err != nil {
		return "", "", fmt.Errorf("make a place for the engine's socket: %w", err)
	}
	return filepath.Join(tmp, filepath.Base(socket)), tmp, nil
}

// addressable reports whether unix://PATH means the path to everybody who reads it as a URL.
func addressable(path string) bool {
	u, err := url.Parse("unix://" + path)
	return len(path) <= maxSocket && err == nil && u.Host == "" && u.Path == path && u.String() == "unix://"+path
}
