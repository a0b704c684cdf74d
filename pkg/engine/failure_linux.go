package engine

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// lowSpace is when a full disk is worth naming as the likely reason. buildkitd
// may not even have been able to log it.
const lowSpace = 64 << 20

// failure says what went wrong with the daemon, with the end of its log.
func (d *daemon) failure(what string, cause error) error {
	hint := ""
	if free, err := freeSpace(string(d.home)); err == nil && free < lowSpace {
		hint = fmt.Sprintf("\nonly %d MB are free in %s: free some space, remove %s (what it keeps is made again when needed), or set XDG_CACHE_HOME to another place",
			free>>20, d.home, d.home.state())
	}
	return fmt.Errorf("%s: %w%s\nthe end of %s:\n%s", what, cause, hint, d.home.log(), tail(d.home.log(), 12))
}

// freeSpace is what a process may still write to the disk of dir, in bytes.
func freeSpace(dir string) (int64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return 0, err
	}
	return int64(st.Bavail) * st.Bsize, nil
}
