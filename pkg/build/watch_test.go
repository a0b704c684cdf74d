package build

import (
	"bytes"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// status is one of a vertex: with a line of output, with an error.
func status(name, line, err string) *client.SolveStatus {
	started, vertex := time.Unix(1, 0), digest.FromString(name)
	s := &client.SolveStatus{Vertexes: []*client.Vertex{{Digest: vertex, Name: name, Started: &started, Error: err}}}
	if err != "" {
		completed := time.Unix(2, 0)
		s.Vertexes[0].Completed = &completed
	}
	if line != "" {
		s.Logs = []*client.VertexLog{{Vertex: vertex, Data: []byte(line + "\n"), Timestamp: started}}
	}
	return s
}

// What a command wrote to its two streams comes in any order. What is on its standard error is known all the same.
func TestHistory_streams(t *testing.T) {
	s := status("one", "/bin/sh: 2: nosuch: not found", "exit code: 127")
	s.Logs[0].Stream = stderrStream
	s.Logs = append(s.Logs, &client.VertexLog{Vertex: s.Logs[0].Vertex, Stream: 1, Data: []byte("a result\n"), Timestamp: time.Unix(1, 0)})
	h, _ := watched(t, "quiet", s)
	failed := h.failed("")
	if failed == nil {
		t.Fatal("nothing failed")
	}
	if diff := cmp.Diff([]string{"/bin/sh: 2: nosuch: not found", "a result"}, failed.output.last()); diff != "" {
		t.Errorf("its output (-want +got):\n%s", diff)
	}
	if line, ok := lineOfScript("echo a result\nnosuch\n", failed.stderr.last()); !ok || line != 2 {
		t.Errorf("it stopped at line %d, %t", line, ok)
	}
}

// redact takes one secret out of texts.
func redact(text string) string { return strings.ReplaceAll(text, "hunter2", "xxxxx") }

// watched returns what becomes of statuses, and what is shown of them.
func watched(t *testing.T, mode string, statuses ...*client.SolveStatus) (history, string) {
	t.Helper()
	var out bytes.Buffer
	w, err := startWatching(Progress{Out: &out, Mode: mode}, map[string]string{"one": "image"}, redact)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statuses {
		w.updates <- s
	}
	close(w.updates)
	h, err := w.wait()
	if err != nil {
		t.Fatal(err)
	}
	return h, out.String()
}

func TestDisplay_showsFailedOutputOnce(t *testing.T) {
	for mode, want := range map[string]int{"plain": 1, "auto": 1, "quiet": 0} {
		_, out := watched(t, mode, status("one", "its output", ""), status("one", "", "exit code: 1"))
		if got := strings.Count(out, "its output"); got != want || strings.Contains(out, "----") {
			t.Errorf("%s shows the output %d times, want %d:\n%s", mode, got, want, out)
		}
	}
}

func TestDisplay_showsLineLikeSummary(t *testing.T) {
	_, out := watched(t, "plain", status("one", "------", ""), status("one", "after it", "exit code: 1"))
	if !strings.Contains(out, " ------\n") || !strings.Contains(out, "after it") {
		t.Errorf("something is missing:\n%s", out)
	}
}

func TestHistory_failedAndLast(t *testing.T) {
	for _, c := range []struct {
		name, mode string
		statuses   []*client.SolveStatus
		want       Step
		endsWith   bool
	}{
		{"the failed step spoke last", "plain",
			[]*client.SolveStatus{status("two", "x", ""), status("one", "y", ""), status("two", "", "context canceled"), status("one", "", "exit code: 1")},
			Step{Name: "one", Image: "image", Command: true, Duration: time.Second, Err: "exit code: 1"}, true},
		{"another one spoke last", "plain",
			[]*client.SolveStatus{status("one", "y", ""), status("one", "", "exit code: 1"), status("two", "x", "")},
			Step{Name: "one", Image: "image", Command: true, Duration: time.Second, Err: "exit code: 1"}, false},
		{"nothing is shown", "quiet", []*client.SolveStatus{status("two", "y", "not found")},
			Step{Name: "two", Duration: time.Second, Err: "not found"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, _ := watched(t, c.mode, c.statuses...)
			failed := h.failed("")
			if failed == nil {
				t.Fatal("nothing failed")
			}
			if diff := cmp.Diff(c.want, *failed, cmpopts.IgnoreUnexported(Step{})); diff != "" {
				t.Errorf("the failed step (-want +got):\n%s", diff)
			}
			if h.endsWith(failed) != c.endsWith {
				t.Errorf("endsWith is %v, want %v", !c.endsWith, c.endsWith)
			}
		})
	}
}

func TestHistory_failedOfSeveral(t *testing.T) {
	h, _ := watched(t, "quiet", status("one", "", "exit code: 1"), status("two", "", "exit code: 2"), status("three", "", "context canceled"))
	for name, want := range map[string]string{"one": "one", "two": "two", "three": "one", "": "one"} {
		if got := h.failed(name); got == nil || got.Name != want {
			t.Errorf("an error about %q: %v failed, want %q", name, got, want)
		}
	}
}

func TestEndDisplay_waitsForFailedStep(t *testing.T) {
	for name, c := range map[string]struct {
		before, after []*client.SolveStatus
		want          string
	}{
		"another has failed before": {[]*client.SolveStatus{status("two", "", "exit code: 2")}, []*client.SolveStatus{status("one", "", "exit code: 1")}, "one"},
		"it is known":               {[]*client.SolveStatus{status("two", "", "exit code: 2"), status("one", "", "exit code: 1")}, nil, "one"},
		"the news never come":       {[]*client.SolveStatus{status("two", "", "exit code: 2")}, nil, "two"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, err := startWatching(Progress{Out: &bytes.Buffer{}, Mode: "quiet"}, map[string]string{"one": "image"}, redact)
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range c.before {
					w.updates <- s
				}
				ended := make(chan history)
				go func() {
					h, err := w.endDisplay(t.Context(), "one")
					if err != nil {
						t.Error(err)
					}
					ended <- h
				}()
				time.Sleep(patience - time.Second)
				for _, s := range c.after {
					w.updates <- s
				}
				if got := (<-ended).failed("one"); got == nil || got.Name != c.want {
					t.Errorf("%v failed, want %q", got, c.want)
				}
				close(w.updates)
				if _, err := w.wait(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWatcher_removesControlSequences(t *testing.T) {
	const foreign = "DENIED: no\x1b[2J\r\u009b31m\u202e"
	status := &client.SolveStatus{
		Vertexes: []*client.Vertex{{Name: "a", Error: foreign}},
		Statuses: []*client.VertexStatus{{ID: foreign, Name: foreign}},
		Warnings: []*client.VertexWarning{{Short: []byte(foreign), Detail: [][]byte{[]byte(foreign)}}},
	}
	(&watcher{redact: func(s string) string { return s }}).clean(status)
	for _, text := range []string{
		status.Vertexes[0].Error, status.Statuses[0].ID, status.Statuses[0].Name, string(status.Warnings[0].Short), string(status.Warnings[0].Detail[0]),
	} {
		if strings.ContainsAny(text, "\x1b\r\u009b\u202e") || !strings.HasPrefix(text, "DENIED: no") {
			t.Errorf("%q", text)
		}
	}
}
