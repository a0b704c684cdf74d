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

// transferPatience is how long a transfer may take before it is shown: what is quicker needs no progress.
const transferPatience = time.Second

// plainInterval is how often a transfer is reported where lines cannot be rewritten.
const plainInterval = 10 * time.Second

// A transferProgress shows an upload or a download that takes its time: on a terminal as one line that is rewritten, elsewhere as a line
// now and then.
type transferProgress struct {
	what     string // is done
	out      io.Writer
	terminal bool

	mu      sync.Mutex
	started time.Time
	shown   time.Time
	drawn   bool
}

func newTransferProgress(out io.Writer, what string) *transferProgress {
	f, ok := out.(*os.File)
	return &transferProgress{what: what, out: out, terminal: ok && term.IsTerminal(int(f.Fd())), started: time.Now()}
}

func (t *transferProgress) show(p publish.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Sub(t.started) < transferPatience || p.TotalSize == 0 {
		return
	}
	line := fmt.Sprintf("%s: %s of %s", t.what, size(p.TotalSent), size(p.TotalSize))
	switch {
	case t.terminal:
		fmt.Fprintf(t.out, "\r\x1b[K%s", line)
		t.drawn = true
	case now.Sub(t.shown) >= plainInterval:
		fmt.Fprintln(t.out, line)
		t.shown = now
	}
}

// waiting says what a registry keeps waiting for. The line of the progress is drawn again when it goes on.
func (t *transferProgress) waiting(w publish.Waiting) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
	fmt.Fprintln(t.out, "pulpimg: "+waitingText(w))
}

// done takes the line away.
func (t *transferProgress) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.clear()
}

func (t *transferProgress) clear() {
	if t.drawn {
		fmt.Fprint(t.out, "\r\x1b[K")
		t.drawn = false
	}
}
