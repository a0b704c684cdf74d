//go:build unix

package terminal_test

import (
	"io"
	"os"
	"reflect"
	"syscall"
	"testing"

	"github.com/containerd/console"
	"golang.org/x/term"

	"github.com/pulpimg/pulpimg/internal/terminal"
)

// pty returns both sides of a terminal: the one of the person, and the one of a program.
func pty(t *testing.T) (console.Console, *os.File) {
	t.Helper()
	person, name, err := console.NewPty()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = program.Close(), person.Close() })
	return person, program
}

func resize(t *testing.T, person console.Console, rows, columns uint16) {
	t.Helper()
	if err := person.Resize(console.WinSize{Height: rows, Width: columns}); err != nil {
		t.Fatal(err)
	}
}

func state(t *testing.T, f *os.File) *term.State {
	t.Helper()
	state, err := term.GetState(int(f.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	return state
}

func TestOpen_passesKeys(t *testing.T) {
	person, program := pty(t)
	before := state(t, program)
	lent, err := terminal.Open(program, program)
	if err != nil {
		t.Fatal(err)
	}
	defer lent.Close()
	const keys = "a\x03\x1a\r" // without a line's end, and what would be a signal
	if _, err := person.Write([]byte(keys)); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(keys))
	if _, err := io.ReadFull(lent, got); err != nil || string(got) != keys {
		t.Errorf("read %q (%v), want %q", got, err, keys)
	}
	if _, err := lent.Write([]byte("shown")); err != nil {
		t.Fatal(err)
	}
	shown := make([]byte, len("shown"))
	if _, err := io.ReadFull(person, shown); err != nil || string(shown) != "shown" {
		t.Errorf("the person sees %q (%v), and no echo of the keys", shown, err)
	}
	if err := lent.Close(); err != nil {
		t.Fatal(err)
	}
	if after := state(t, program); !reflect.DeepEqual(after, before) {
		t.Errorf("the terminal is left as %+v, want %+v", after, before)
	}
	if err := lent.Close(); err != nil {
		t.Errorf("closing it once more: %v", err)
	}
}

func TestClose_endsReading(t *testing.T) {
	_, program := pty(t)
	lent, err := terminal.Open(program, program)
	if err != nil {
		t.Fatal(err)
	}
	read := make(chan error)
	go func() {
		_, err := lent.Read(make([]byte, 1))
		read <- err
	}()
	if err := lent.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err == nil {
		t.Error("a key was read that nobody pressed")
	}
}

// A terminal reports its size, and every change of it.
func TestResize(t *testing.T) {
	person, program := pty(t)
	resize(t, person, 24, 80)
	lent, err := terminal.Open(program, program)
	if err != nil {
		t.Fatal(err)
	}
	defer lent.Close()
	if got, want := <-lent.Sizes(), (terminal.Size{Rows: 24, Columns: 80}); got != want {
		t.Errorf("the size is %v, want %v", got, want)
	}
	resize(t, person, 50, 132)
	// The kernel tells the processes that a terminal controls; this one is controlled by another, if by any.
	if err := syscall.Kill(os.Getpid(), syscall.SIGWINCH); err != nil {
		t.Fatal(err)
	}
	if got, want := <-lent.Sizes(), (terminal.Size{Rows: 50, Columns: 132}); got != want {
		t.Errorf("the size is %v, want %v", got, want)
	}
}

func TestOpen_noTerminal(t *testing.T) {
	_, program := pty(t)
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, files := range [][2]*os.File{{file, program}, {program, file}} {
		if terminal.Is(files[0], files[1]) {
			t.Error("a file is taken for a terminal")
		}
		if lent, err := terminal.Open(files[0], files[1]); err == nil {
			t.Errorf("a file was opened as a terminal (%v)", lent.Close())
		}
	}
}
