package build

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"
	"golang.org/x/term"
)

// A display shows a build with BuildKit's own display.
type display struct {
	statuses chan *client.SolveStatus
	ending   *atomic.Bool
	group    errgroup.Group

	mu    sync.Mutex
	ended bool
	tidy  *tidier

	// streams is set when the output of commands is written as it comes, and stays on the screen.
	streams bool
}

// startDisplay starts a display. It ends with end.
func startDisplay(p Progress) (*display, error) {
	d := &display{statuses: make(chan *client.SolveStatus), ending: &atomic.Bool{}}
	out, terminal := screenOf(p.Out, d.ending)
	shows, err := progressui.NewDisplay(out, progressui.DisplayMode(p.Mode))
	if err != nil {
		return nil, fmt.Errorf("showing progress as %q: %w", p.Mode, err)
	}
	mode := progressui.DisplayMode(p.Mode)
	d.tidy = &tidier{groups: mode != progressui.RawJSONMode, repeats: p.repeats, idle: map[digest.Digest]*client.Vertex{}}
	d.streams = mode == progressui.PlainMode || mode == progressui.AutoMode && !terminal
	d.group.Go(func() error {
		// The display ends when the statuses end, not when the context does: a cancelled build still has something to show.
		_, err := shows.UpdateFrom(context.Background(), d.statuses)
		return err
	})
	return d, nil
}

// show shows a status. After the end, it does nothing.
func (d *display) show(status *client.SolveStatus) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.ended {
		d.statuses <- d.tidy.tidy(status)
	}
}

// end ends the display and waits until everything is shown. It may be called more than once.
func (d *display) end() error {
	d.mu.Lock()
	if !d.ended {
		d.ended = true
		d.ending.Store(true)
		close(d.statuses)
	}
	d.mu.Unlock()
	return d.group.Wait()
}

// summaryStart is the line before and after the output of each failed command, with which BuildKit's display ends. That summary is left out:
// the error that pulpimg shows after it has the last lines of the same output, beside the lines of the spec.
var summaryStart = []byte("------\n")

// A screen passes on what a display writes, up to the summary of failures.
type screen struct {
	io.Writer
	ending *atomic.Bool
	closed bool
}

// Write implements io.Writer.
func (s *screen) Write(p []byte) (int, error) {
	s.closed = s.closed || s.ending.Load() && bytes.Equal(p, summaryStart)
	if s.closed {
		return len(p), nil
	}
	return s.Writer.Write(p)
}

// A terminalScreen is a screen that a display recognizes as a terminal.
type terminalScreen struct {
	*os.File
	screen *screen
}

// Write implements io.Writer.
func (t terminalScreen) Write(p []byte) (int, error) { return t.screen.Write(p) }

func screenOf(out io.Writer, ending *atomic.Bool) (_ io.Writer, terminal bool) {
	s := &screen{Writer: out, ending: ending}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return terminalScreen{f, s}, true
	}
	return s, false
}
