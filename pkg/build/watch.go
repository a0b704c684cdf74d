package build

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/pkg/compile"
)

// A Step is what became of one vertex of a build.
type Step struct {
	// Name is what people see, "[pulp-base 2/5] yum groupinstall pulp-server".
	Name string `json:"name"`
	// Command says that the step runs a command in an image, as package steps and run steps do.
	Command bool `json:"command"`
	// Cached says that nothing ran because the result was there.
	Cached bool `json:"cached"`
	// Duration is how long it ran.
	Duration time.Duration `json:"duration"` // nanoseconds
	// Err is the error that it ended with, or empty.
	Err string `json:"error,omitempty"`

	output tail
}

// A watcher reads a build's status, passes it on to BuildKit's display and remembers what became of the steps.
type watcher struct {
	updates chan *client.SolveStatus // closed by the build
	shown   chan *client.SolveStatus
	group   errgroup.Group
	order   []digest.Digest
	steps   map[digest.Digest]*Step
}

// startWatching starts a watcher. It ends when its updates are closed; wait waits for that.
func startWatching(p Progress) (*watcher, error) {
	display, err := progressui.NewDisplay(p.Out, progressui.DisplayMode(p.Mode))
	if err != nil {
		return nil, fmt.Errorf("showing progress as %q: %w", p.Mode, err)
	}
	w := &watcher{
		updates: make(chan *client.SolveStatus),
		shown:   make(chan *client.SolveStatus),
		steps:   map[digest.Digest]*Step{},
	}
	w.group.Go(func() error {
		// The display ends with the updates, which end with the build: a cancelled build still has its last words.
		_, err := display.UpdateFrom(context.Background(), w.shown)
		return err
	})
	w.group.Go(func() error {
		defer close(w.shown)
		for status := range w.updates {
			w.record(status)
			w.shown <- status
		}
		return nil
	})
	return w, nil
}

// announce shows a step that was done on this side of the engine. It is for use while the build runs.
func (w *watcher) announce(name string, since time.Time, cached bool) {
	now := time.Now()
	w.updates <- &client.SolveStatus{Vertexes: []*client.Vertex{{
		Digest:        digest.FromString(name),
		Name:          name,
		Started:       &since,
		Completed:     &now,
		Cached:        cached,
		ProgressGroup: compile.ProgressGroup(name),
	}}}
}

// wait waits until everything is shown, and returns the steps in the order in which they were first heard of. Those called
// commands run a command.
func (w *watcher) wait(commands map[string]bool) ([]Step, error) {
	err := w.group.Wait()
	steps := make([]Step, len(w.order))
	for i, dgst := range w.order {
		steps[i] = *w.steps[dgst]
		steps[i].Command = commands[steps[i].Name]
	}
	return steps, err
}

func (w *watcher) record(status *client.SolveStatus) {
	for _, v := range status.Vertexes {
		step := w.step(v.Digest)
		step.Name = v.Name
		step.Cached = v.Cached
		step.Err = v.Error
		if v.Started != nil && v.Completed != nil {
			step.Duration = v.Completed.Sub(*v.Started)
		}
	}
	for _, l := range status.Logs {
		w.step(l.Vertex).output.add(string(l.Data))
	}
}

func (w *watcher) step(dgst digest.Digest) *Step {
	step, ok := w.steps[dgst]
	if !ok {
		step = &Step{}
		w.steps[dgst] = step
		w.order = append(w.order, dgst)
	}
	return step
}

// tailLines is how many of the last lines of a failed command's output an error shows.
const tailLines = 20

// A tail keeps the last lines of an output.
type tail struct {
	lines   []string
	partial string
}

func (t *tail) add(data string) {
	lines := strings.Split(t.partial+data, "\n")
	t.partial = lines[len(lines)-1]
	t.lines = append(t.lines, lines[:len(lines)-1]...)
	if extra := len(t.lines) - tailLines; extra > 0 {
		t.lines = append([]string(nil), t.lines[extra:]...)
	}
}

// last returns the last lines, without what a terminal would have overwritten.
func (t tail) last() []string {
	var out []string
	for _, line := range append(t.lines, t.partial) {
		line = strings.TrimRight(line, "\r \t")
		line = line[strings.LastIndexByte(line, '\r')+1:]
		if line != "" {
			out = append(out, line)
		}
	}
	return out
}
