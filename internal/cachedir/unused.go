package cachedir

import (
	"os"
	"path/filepath"
	"time"
)

// keptFor is how long a file of a cache is kept that nobody asks for.
const keptFor = 30 * 24 * time.Hour

// markInterval is how exactly it is known when a file was last used.
const markInterval = time.Minute

// MarkUsed notes that a file of a cache is in use. A failure does not matter: the file is removed too early, and made again.
func MarkUsed(file string) {
	now := time.Now()
	if info, err := os.Stat(file); err == nil && now.Sub(info.ModTime()) > markInterval {
		_ = os.Chtimes(file, now, now)
	}
}

// RemoveUnused removes the files of a directory that were neither written nor marked for 30 days, and so also what interrupted processes
// left. It ignores files that it cannot remove.
func RemoveUnused(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > keptFor {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}
