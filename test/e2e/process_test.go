package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// processes returns the command lines of all processes of the machine that contain a word, those of containers too, by process ID.
func processes(word string) map[string]string {
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		panic(err) // the pattern is wrong
	}
	found := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		if line := strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " ")); strings.Contains(line, word) {
			found[filepath.Base(filepath.Dir(file))] = line
		}
	}
	return found
}

// eventually waits for what has to become true. The limit only ends a test that fails.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// nothingRuns fails the test when a process has the word in its command line, or a mount in its path.
func nothingRuns(t *testing.T, word string) {
	t.Helper()
	if left := processes(word); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mounts)) {
		if strings.Contains(line, word) {
			t.Errorf("a mount is left: %s", line)
		}
	}
}
