package build

import (
	"context"
	"errors"
	"regexp"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/internal/message"
)

// resolvesLayer is how the engine tells that it looks up a layer that this side made for it.
var resolvesLayer = regexp.MustCompile(`^resolve ` + regexp.QuoteMeta(llb.LayerName) + `@`)

// A tidier leaves out of the engine's news what would mislead a person.
type tidier struct {
	// groups says that the display shows the vertices of a step as one.
	groups bool
	// repeats is that of the Progress.
	repeats bool
	// held are vertices that have done nothing yet that took work, as the engine last told of them; nil for those that have.
	held map[digest.Digest]*client.Vertex
}

// tidy returns what to show of a status:
//
//   - No manifests and configs that the export writes: they are of the parts that the images are put together of, and of a list of all
//     parts, so their digests are those of no image. Nor that their platforms are not the one that was asked for: the exporter takes the
//     parts for the platforms of one image.
//   - In a group, whose result is cached if that of all of its vertices is: a vertex that has not begun decides nothing, and to look up a
//     layer that is there is no work.
//   - An error after which the build begins anew as an interruption.
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
		if message.WritesManifest(s.ID) || resolvesLayer.MatchString(s.ID) {
			continue
		}
		out.Statuses = append(out.Statuses, s)
		out.Vertexes = t.works(out.Vertexes, s.Vertex)
	}
	for _, l := range status.Logs {
		out.Vertexes = t.works(out.Vertexes, l.Vertex)
	}
	return &out
}

// vertex returns a vertex as it is to be shown.
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
	last, known := t.held[v.Digest]
	if idle := llb.IsLayer(v.Name) && (last != nil || !known); idle {
		t.held[v.Digest] = v
		shown.Started, shown.Completed = nil, nil
	}
	shown.Cached = shown.Cached || shown.Started == nil
	return &shown
}

// works adds a vertex that was held, now that it works.
func (t *tidier) works(shown []*client.Vertex, vertex digest.Digest) []*client.Vertex {
	last := t.held[vertex]
	if last == nil {
		return shown
	}
	t.held[vertex] = nil
	return append(shown, last)
}
