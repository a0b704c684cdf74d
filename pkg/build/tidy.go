package build

import (
	"context"
	"errors"
	"regexp"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/message"
)

// resolvesLayer matches the status with which the engine looks up a layer that pulpimg made.
var resolvesLayer = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^resolve ` + regexp.QuoteMeta(llb.LayerName) + `@`) })

// A tidier removes from the engine's statuses what would mislead a person.
type tidier struct {
	// groups is set when the display shows the vertices of a step as one.
	groups bool
	// repeats is that of the Progress.
	repeats bool
	// idle has the last status of each vertex that has not worked yet, and nil for each vertex that has.
	idle map[digest.Digest]*client.Vertex
}

// tidy returns what to show of a status:
//
//   - It has no manifests and configs that the export writes. They belong to the solve targets and to an index of all targets, so their
//     digests are not those of images. Nor has it the warning that their platforms are not the requested one: the exporter takes the
//     targets for the platforms of one image.
//   - In a group, which is shown as cached if all of its vertices are, a vertex that has not begun counts as cached, and so does one that
//     only looked up an existing layer.
//   - An error after which the build is repeated is shown as an interruption.
func (t *tidier) tidy(status *client.SolveStatus) *client.SolveStatus {
	out := *status
	out.Vertexes, out.Statuses, out.Warnings = nil, nil, nil
	for _, w := range status.Warnings {
		if !message.PlatformsDiffer(string(w.Short)) {
			out.Warnings = append(out.Warnings, w)
		}
	}
	for _, v := range status.Vertexes {
		out.Vertexes = append(out.Vertexes, t.vertex(v))
	}
	for _, s := range status.Statuses {
		if message.WritesManifest(s.ID) || resolvesLayer().MatchString(s.ID) {
			continue
		}
		out.Statuses = append(out.Statuses, s)
		out.Vertexes = t.worked(out.Vertexes, s.Vertex)
	}
	for _, l := range status.Logs {
		out.Vertexes = t.worked(out.Vertexes, l.Vertex)
	}
	return &out
}

// vertex returns a vertex as the display is to show it.
func (t *tidier) vertex(v *client.Vertex) *client.Vertex {
	if t.repeats && message.CannotContinue(errors.New(v.Error)) {
		interrupted := *v
		interrupted.Error = context.Canceled.Error()
		return &interrupted
	}
	if !t.groups || v.ProgressGroup == nil || v.Error != "" {
		return v
	}
	shown := *v
	last, known := t.idle[v.Digest]
	if llb.IsLayer(v.Name) && (last != nil || !known) {
		t.idle[v.Digest] = v
		shown.Started, shown.Completed = nil, nil
	}
	shown.Cached = shown.Cached || shown.Started == nil
	return &shown
}

// worked adds the last status of a vertex that was idle until now.
func (t *tidier) worked(shown []*client.Vertex, vertex digest.Digest) []*client.Vertex {
	last := t.idle[vertex]
	if last == nil {
		return shown
	}
	t.idle[vertex] = nil
	return append(shown, last)
}
