//go:build linux

package engine

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// awaitSocket also waits for a socket that exists but does not listen yet.
func TestAwaitSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- awaitSocket(t.Context(), path) }()
	select {
	case err := <-done:
		t.Fatalf("it was not waited for: %v", err)
	case <-time.After(20 * socketPoll):
	}
	if err := syscall.Listen(fd, 1); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(startTime):
		t.Error("it listens, and was still waited for")
	}
}
