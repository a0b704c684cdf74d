//go:build unix

package main

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
)

// To show its lines, a spec is read again. One that came from a pipe is gone, and opening it would wait for another writer.
func TestProblem_ofAPipe(t *testing.T) {
	name := filepath.Join(t.TempDir(), "fifo")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	p := problem{sources: diagnostic.Sources{}}
	read := make(chan struct{})
	go func() { defer close(read); p.read(name) }()
	select {
	case <-read:
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for a writer")
	}
}
