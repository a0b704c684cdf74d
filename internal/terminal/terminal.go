package terminal

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"

	"github.com/muesli/cancelreader"
	"golang.org/x/term"
)

// A Size is the size of a window in characters.
type Size struct{ Rows, Columns int }

// A Terminal is a terminal in raw mode: all keys are passed on, and none has a meaning here, not even Ctrl-C. Close restores its mode.
type Terminal struct {
	in      cancelreader.CancelReader
	out     *os.File
	inFD    int
	before  *term.State
	sizes   chan Size
	signals chan os.Signal
	done    chan struct{}
	watcher sync.WaitGroup
	close   func() error
}

// Is reports whether both files are terminals.
func Is(in, out *os.File) bool {
	return term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd()))
}

// Open puts a terminal into raw mode. It reads what is typed from in, and writes what is shown to out.
func Open(in, out *os.File) (*Terminal, error) {
	if !Is(in, out) {
		return nil, errors.New("there is no terminal")
	}
	reader, err := cancelreader.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("reading from the terminal: %w", err)
	}
	t := &Terminal{
		in: reader, out: out, inFD: int(in.Fd()),
		sizes: make(chan Size, 1), signals: make(chan os.Signal, 1), done: make(chan struct{}),
	}
	t.close = sync.OnceValue(t.restore)
	if t.before, err = term.MakeRaw(t.inFD); err != nil {
		return nil, errors.Join(fmt.Errorf("putting the terminal into raw mode: %w", err), reader.Close())
	}
	notifyOfResize(t.signals)
	t.watcher.Go(t.watchSize)
	return t, nil
}

// Read reads what is typed. It returns an error once the terminal is closed.
func (t *Terminal) Read(p []byte) (int, error) { return t.in.Read(p) }

// Write writes to the terminal.
func (t *Terminal) Write(p []byte) (int, error) { return t.out.Write(p) }

// Sizes returns a channel that gets the size of the window at once, and then whenever it changes. Of several changes in a row, it may get
// only the last one.
func (t *Terminal) Sizes() <-chan Size { return t.sizes }

// Close restores the terminal's mode, and ends reading from it. It may be called more than once.
func (t *Terminal) Close() error { return t.close() }

func (t *Terminal) restore() error {
	t.in.Cancel()
	signal.Stop(t.signals)
	close(t.done)
	t.watcher.Wait()
	if err := term.Restore(t.inFD, t.before); err != nil {
		return fmt.Errorf("restoring the mode of the terminal: %w", err)
	}
	return nil
}

func (t *Terminal) watchSize() {
	for {
		if columns, rows, err := term.GetSize(int(t.out.Fd())); err == nil {
			select {
			case <-t.sizes: // nobody received the last size, which is outdated
			default:
			}
			t.sizes <- Size{Rows: rows, Columns: columns} // there is room, because nothing else sends
		}
		select {
		case <-t.signals:
		case <-t.done:
			return
		}
	}
}
