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
	// Name is what people see, "[pulp-base 2/5] yum groupinstall pulp-server".
	Name string `json:"name"`
	// Image is the image that the step runs its command in, or empty.
	Image string `json:"image,omitempty"`
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

// A history is what became of the steps of a build, in the order in which they were first heard of.
type history struct {
	steps []Step
	// last is the index of the step whose output was shown last, or -1.
	last int
}

// failed returns the step that failed, not one that was cancelled because another had failed. Of several, it is the one of this name, else
// the first.
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

// failed says whether an error is a failure, and not what a step ends with because another has failed.
func failed(err string) bool { return err != "" && !strings.Contains(err, context.Canceled.Error()) }

// endsWith says whether the last output that was shown is that of a step.
func (h history) endsWith(step *Step) bool { return h.last >= 0 && step == &h.steps[h.last] }

// A watcher reads a build's status, passes it on to a display and remembers what became of the steps.
type watcher struct {
	updates chan *client.SolveStatus // closed by the build
	display *display
	group   errgroup.Group
	// commands are the names of the steps that run a command, with the names of their images.
	commands map[string]string
	// redact takes credentials out of what the engine says.
	redact func(string) string
	// news holds something when a status has come that nobody has looked at since.
	news chan struct{}

	mu    sync.Mutex
	order []digest.Digest
	steps map[digest.Digest]*Step
	last  *Step // whose output came last
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
	}
	w.group.Go(func() error {
		for status := range w.updates {
			w.take(status)
			select {
			case w.news <- struct{}{}:
			default: // there is something
			}
		}
		return w.display.end()
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
		ProgressGroup: llb.ProgressGroup(name),
	}}}
}

// patience is how long the news of a failed step may come after the failure itself: they take different ways. Without them, the display
// ends without the step's last lines.
const patience = 30 * time.Second

// endDisplay ends the display before the build ends, and returns what became of the steps so far. It is for use when a step has failed, by
// one caller, and waits for the news of that.
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

// wait waits until everything is shown, and returns what became of the steps.
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

// take records a status and shows it. Nobody hears of what is not shown yet.
func (w *watcher) take(status *client.SolveStatus) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clean(status)
	w.record(status)
	w.display.show(status)
}

// clean takes credentials out of all that the engine worded, which may be what a registry said, and what would do something to a terminal.
// What a command prints is left as it is: it has colours. The names of steps are this side's.
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
	}
	for _, l := range status.Logs {
		w.last = w.step(l.Vertex)
		w.last.output.add(string(l.Data))
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
const tailLines = 15

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

// control is what tells a terminal something: colours, movements of the cursor.
// https://ecma-international.org/publications-and-standards/standards/ecma-48/
var control = regexp.MustCompile(`\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])`)

// last returns the last lines, without what a terminal would have overwritten and what it would have been told.
func (t tail) last() []string {
	var out []string
	for _, line := range append(t.lines, t.partial) {
		line = strings.TrimRight(control.ReplaceAllString(line, ""), "\r \t")
		line = line[strings.LastIndexByte(line, '\r')+1:]
		if line != "" {
			out = append(out, line)
		}
	}
	return out
}
