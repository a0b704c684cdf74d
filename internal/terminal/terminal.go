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

// A Terminal is a terminal in raw mode: no key means anything to this side, not even Ctrl-C. Close gives it back.
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

// Open puts a terminal into raw mode. What is typed is read from in, and out shows what is written.
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
	t.close = sync.OnceValue(t.giveBack)
	if t.before, err = term.MakeRaw(t.inFD); err != nil {
		return nil, errors.Join(fmt.Errorf("putting the terminal into raw mode: %w", err), reader.Close())
	}
	notifyOfResize(t.signals)
	t.watcher.Go(t.watchSize)
	return t, nil
}

// Read reads what is typed. It fails once the terminal is closed.
func (t *Terminal) Read(p []byte) (int, error) { return t.in.Read(p) }

// Write shows something.
func (t *Terminal) Write(p []byte) (int, error) { return t.out.Write(p) }

// Sizes delivers the size of the window, the first time at once and then when it changes. Of several changes in a row, only the last one
// may come.
func (t *Terminal) Sizes() <-chan Size { return t.sizes }

// Close gives the terminal back as it was, and ends reading from it. To close it twice is the same as once.
func (t *Terminal) Close() error { return t.close() }

func (t *Terminal) giveBack() error {
	t.in.Cancel()
	signal.Stop(t.signals)
	close(t.done)
	t.watcher.Wait()
	if err := term.Restore(t.inFD, t.before); err != nil {
		return fmt.Errorf("giving the terminal back: %w", err)
	}
	return nil
}

func (t *Terminal) watchSize() {
	for {
		if columns, rows, err := term.GetSize(int(t.out.Fd())); err == nil {
			select {
			case <-t.sizes: // nobody took the last one, which is no longer true
			default:
			}
			t.sizes <- Size{Rows: rows, Columns: columns} // there is room: this is the only one who sends
		}
		select {
		case <-t.signals:
		case <-t.done:
			return
		}
	}
}
