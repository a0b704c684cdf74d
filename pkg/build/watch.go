package build

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
	"golang.org/x/sync/errgroup"

	"github.com/pulpimg/pulpimg/internal/diagnostic"
	"github.com/pulpimg/pulpimg/internal/llb"
)

// A Step is what became of one vertex of a build.
type Step struct {
	// Name is the name that people see, "[pulp-base 2/5] yum groupinstall pulp-server".
	Name string `json:"name"`
	// Image is the image that the step runs its command in, or empty.
	Image string `json:"image,omitempty"`
	// Command reports whether the step runs a command in an image, as package steps and run steps do.
	Command bool `json:"command"`
	// Cached reports whether nothing ran because the result was in the cache.
	Cached bool `json:"cached"`
	// Duration is how long it ran.
	Duration time.Duration `json:"duration"` // nanoseconds
	// Err is the error that the step ended with, or empty.
	Err string `json:"error,omitempty"`

	output lastLines
	stderr lastLines // of the output; what comes of both streams has no order
}

// A history is what became of the steps of a build, in the order in which they were first heard of.
type history struct {
	steps []Step
	// last is the index of the step whose output was shown last, or -1.
	last int
}

// failed returns the step that failed, or nil. A step that was cancelled because another one had failed does not count. Of several steps, it
// returns the one of this name, else the first.
func (h history) failed(name string) *Step {
	var first *Step
	for i := range h.steps {
		step := &h.steps[i]
		switch {
		case !failed(step.Err):
			continue
		case step.Name == name:
			return step
		case first == nil:
			first = step
		}
	}
	return first
}

// failed reports whether the error of a step is a failure of its own, and not a cancellation because another step has failed.
func failed(err string) bool { return err != "" && !strings.Contains(err, context.Canceled.Error()) }

// endsWith reports whether the display ended with the output of a step.
func (h history) endsWith(step *Step) bool { return h.last >= 0 && step == &h.steps[h.last] }

// A watcher reads a build's status, passes it on to a display and remembers what became of the steps.
type watcher struct {
	updates chan *client.SolveStatus // closed by the build
	display *display
	group   errgroup.Group
	// commands are the names of the steps that run a command, with the names of their images.
	commands map[string]string
	// redact removes credentials from texts of the engine.
	redact func(string) string
	// news has a value when a status has come since the last receive.
	news chan struct{}
	// running is closed when a command runs.
	running chan struct{}

	mu    sync.Mutex
	order []digest.Digest
	steps map[digest.Digest]*Step
	last  *Step // the step with the latest output
}

// startWatching starts a watcher. It ends when its updates are closed; wait waits for that.
func startWatching(p Progress, commands map[string]string, redact func(string) string) (*watcher, error) {
	display, err := startDisplay(p)
	if err != nil {
		return nil, err
	}
	w := &watcher{
		updates:  make(chan *client.SolveStatus),
		display:  display,
		steps:    map[digest.Digest]*Step{},
		commands: commands,
		redact:   redact,
		news:     make(chan struct{}, 1),
		running:  make(chan struct{}),
	}
	w.group.Go(func() error {
		for status := range w.updates {
			w.take(status)
			select {
			case w.news <- struct{}{}:
			default: // it has a value
			}
		}
		return w.display.end()
	})
	return w, nil
}

// announce shows a step that pulpimg did without the engine. Call it only while the build runs.
func (w *watcher) announce(name string, since time.Time, cached bool) {
	now := time.Now()
	w.updates <- &client.SolveStatus{Vertexes: []*client.Vertex{{
		Digest:        digest.FromString(name),
		Name:          name,
		Started:       &since,
		Completed:     &now,
		Cached:        cached,
		ProgressGroup: llb.ProgressGroup(name),
	}}}
}

// patience is how long to wait for the status of a failed step after the failure itself: they come on different ways. The status has the
// last lines of the step's output.
const patience = 30 * time.Second

// endDisplay ends the display before the build ends, and returns the history so far. Call it once, when a step has failed; it waits for the
// status of the failure.
func (w *watcher) endDisplay(ctx context.Context, step string) (history, error) {
	w.awaitFailure(ctx, step)
	err := w.display.end()
	return w.history(), err
}

func (w *watcher) awaitFailure(ctx context.Context, step string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !w.hasFailed(step) {
		select {
		case <-w.news:
		case <-ctx.Done():
			return
		}
	}
}

func (w *watcher) hasFailed(name string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, step := range w.steps {
		if step.Name == name && failed(step.Err) {
			return true
		}
	}
	return false
}

// wait waits until everything is shown, and returns the history.
func (w *watcher) wait() (history, error) {
	err := w.group.Wait()
	return w.history(), err
}

func (w *watcher) history() history {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := history{steps: make([]Step, len(w.order)), last: -1}
	for i, dgst := range w.order {
		step := w.steps[dgst]
		h.steps[i] = *step
		h.steps[i].Image, h.steps[i].Command = w.commands[step.Name], w.commands[step.Name] != ""
		if w.display.streams && step == w.last {
			h.last = i
		}
	}
	return h
}

// take records a status and shows it. Both happen under the lock, so the history never has more than the display.
func (w *watcher) take(status *client.SolveStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clean(status)
	w.record(status)
	w.display.show(status)
}

// clean removes credentials, and sequences that control a terminal, from texts of the engine, which may come from a registry. The output of
// commands keeps its control sequences, because it has colours. The names of steps are not cleaned: pulpimg makes them.
func (w *watcher) clean(status *client.SolveStatus) {
	for _, v := range status.Vertexes {
		v.Error = diagnostic.VisibleLines(w.redact(v.Error))
	}
	for _, s := range status.Statuses {
		s.ID, s.Name = diagnostic.Visible(w.redact(s.ID)), diagnostic.Visible(w.redact(s.Name))
	}
	for _, l := range status.Logs {
		l.Data = []byte(w.redact(string(l.Data)))
	}
	for _, warning := range status.Warnings {
		warning.Short = []byte(diagnostic.Visible(w.redact(string(warning.Short))))
		for i, detail := range warning.Detail {
			warning.Detail[i] = []byte(diagnostic.Visible(w.redact(string(detail))))
		}
	}
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
		if v.Started != nil && !v.Cached && w.commands[v.Name] != "" {
			w.closeRunning()
		}
	}
	for _, l := range status.Logs {
		w.last = w.step(l.Vertex)
		w.last.output.add(string(l.Data))
		if l.Stream == stderrStream {
			w.last.stderr.add(string(l.Data))
		}
	}
}

func (w *watcher) closeRunning() {
	select {
	case <-w.running:
	default:
		close(w.running)
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

// stderrStream is how engines call the standard error of a command.
const stderrStream = 2

// maxLastLines is how many lines of a failed command's output an error shows.
const maxLastLines = 15

// lastLines keeps the last lines of an output.
type lastLines struct {
	lines   []string
	partial string
}

func (t *lastLines) add(data string) {
	lines := strings.Split(t.partial+data, "\n")
	t.partial = lines[len(lines)-1]
	t.lines = append(t.lines, lines[:len(lines)-1]...)
	if extra := len(t.lines) - maxLastLines; extra > 0 {
		t.lines = append([]string(nil), t.lines[extra:]...)
	}
}

// control matches the control sequences of terminals: colours, movements of the cursor.
// https://ecma-international.org/publications-and-standards/standards/ecma-48/
var control = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])`)
})

// last returns the last lines as a terminal shows them: without control sequences and overwritten text.
func (t lastLines) last() []string {
	var out []string
	for _, line := range append(t.lines, t.partial) {
		line = strings.TrimRight(control().ReplaceAllString(line, ""), "\r \t")
		line = line[strings.LastIndexByte(line, '\r')+1:]
		if line != "" {
			out = append(out, line)
		}
	}
	return out
}
