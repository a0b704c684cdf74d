package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// uploadPatience is how long an upload may take before it is shown: what is quicker needs no progress.
const uploadPatience = time.Second

// plainInterval is how often an upload is reported where lines cannot be rewritten.
const plainInterval = 10 * time.Second

// An uploadProgress shows an upload that takes its time: on a terminal as one line that is rewritten, elsewhere as a line now and then.
type uploadProgress struct {
	out      io.Writer
	terminal bool

	mu      sync.Mutex
	started time.Time
	shown   time.Time
	drawn   bool
}

func newUploadProgress(out io.Writer) *uploadProgress {
	f, ok := out.(*os.File)
	return &uploadProgress{out: out, terminal: ok && term.IsTerminal(int(f.Fd())), started: time.Now()}
}

func (u *uploadProgress) show(p publish.Progress) {
	u.mu.Lock()
	defer u.mu.Unlock()
	now := time.Now()
	if now.Sub(u.started) < uploadPatience || p.TotalSize == 0 {
		return
	}
	line := fmt.Sprintf("publishing: %s of %s", size(p.TotalSent), size(p.TotalSize))
	switch {
	case u.terminal:
		fmt.Fprintf(u.out, "\r\x1b[K%s", line)
		u.drawn = true
	case now.Sub(u.shown) >= plainInterval:
		fmt.Fprintln(u.out, line)
		u.shown = now
	}
}

// waiting says what a registry keeps waiting for. The line of the progress is drawn again when it goes on.
func (u *uploadProgress) waiting(w publish.Waiting) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clear()
	fmt.Fprintln(u.out, "pulpimg: "+waitingText(w))
}

// done takes the line away.
func (u *uploadProgress) done() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.clear()
}

func (u *uploadProgress) clear() {
	if u.drawn {
		fmt.Fprint(u.out, "\r\x1b[K")
		u.drawn = false
	}
}
