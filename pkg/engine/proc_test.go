//go:build linux

package engine_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// processes are the command lines of all processes of the machine, of containers
// too, that contain the word; by process ID.
func processes(t *testing.T, word string) map[string]string {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			continue // it ended
		}
		if strings.Contains(string(text), word) {
			found[filepath.Base(filepath.Dir(f))] = strings.ReplaceAll(string(text), "\x00", " ")
		}
	}
	return found
}

// running are the processes of the engine in the cache that run the program.
func running(t *testing.T, cache, program string) []int {
	t.Helper()
	var pids []int
	for pid, line := range processes(t, cache) {
		if argv0, _, _ := strings.Cut(line, " "); filepath.Base(argv0) != program {
			continue
		}
		n, err := strconv.Atoi(pid)
		must(t, err)
		pids = append(pids, n)
	}
	if len(pids) == 0 {
		t.Fatalf("no %s of %s runs", program, cache)
	}
	return pids
}

func signalAll(t *testing.T, pids []int, s syscall.Signal) {
	t.Helper()
	for _, pid := range pids {
		must(t, syscall.Kill(pid, s))
	}
}

// eventually waits for what must become true. The limit is only there to end a
// test that fails.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

// noneLeft fails the test if a process of the engine in the cache, or one with the mark, is there.
func noneLeft(t *testing.T, words ...string) {
	t.Helper()
	for _, w := range words {
		if left := processes(t, w); len(left) > 0 {
			t.Errorf("processes left: %v", left)
		}
	}
}

// mounts are the lines of this process's mount table that contain the word.
func mounts(t *testing.T, word string) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return found
}
