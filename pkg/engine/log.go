package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// newLog opens an empty log file for one run. The log of the run before is kept as ".old".
func newLog(name string) (*os.File, error) {
	if err := os.Rename(name, name+".old"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("renaming the engine's last log: %w", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the engine's log: %w", err)
	}
	return f, nil
}

// tail returns the last lines of a log, indented, without the Go stack traces that buildkitd adds to its errors. It returns nothing if the
// log cannot be read.
func tail(name string, lines int) string {
	const most = 8 << 10
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && st.Size() > most {
		_, _ = f.Seek(-most, io.SeekEnd) // at worst the first lines are shown
	}
	text, _ := io.ReadAll(io.LimitReader(f, most))
	all := dropFrames(strings.Split(strings.TrimSpace(string(text)), "\n"))
	all = all[max(0, len(all)-lines):]
	return "  " + strings.Join(all, "\n  ")
}

// dropFrames removes stack frames: each is a line with the function, and a line with a tab and the place in the source.
func dropFrames(lines []string) []string {
	var kept []string
	for _, line := range lines {
		if strings.HasPrefix(line, "\t") {
			kept = kept[:max(0, len(kept)-1)]
			continue
		}
		kept = append(kept, line)
	}
	return kept
}
