package build

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/llb"
)

// vertex returns the news of a vertex in the group of a step: how far it is, and whether it was cached.
func vertex(name, step string, begun, ended, cached bool) *client.Vertex {
	from := time.Unix(1, 0)
	if name != step+", its layer" { // one after the other
		from = time.Unix(3, 0)
	}
	to := from.Add(time.Second)
	v := &client.Vertex{Digest: digest.FromString(name), Name: name, ProgressGroup: llb.ProgressGroup(step), Cached: cached}
	if begun {
		v.Started = &from
	}
	if ended {
		v.Completed = &to
	}
	return v
}

func news(vertexes ...*client.Vertex) *client.SolveStatus {
	return &client.SolveStatus{Vertexes: vertexes}
}

// told returns that a vertex does something.
func told(name, what string) *client.SolveStatus {
	at := time.Unix(1, 0)
	return &client.SolveStatus{Statuses: []*client.VertexStatus{{ID: what, Vertex: digest.FromString(name), Timestamp: at, Started: &at, Completed: &at}}}
}

func TestDisplay_cachedSteps(t *testing.T) {
	const step, layer, copied = "[one 1/1] copy a to /a", "[one 1/1] copy a to /a, its layer", "[one 1/1] copy a to /a, copied in"
	lookedUp := told(layer, "resolve "+llb.LayerName+"@sha256:0")
	for _, test := range []struct {
		name     string
		statuses []*client.SolveStatus
		want     string
		not      []string
	}{
		{"nothing worked", []*client.SolveStatus{
			news(vertex(layer, step, false, false, false), vertex(copied, step, false, false, false)),
			news(vertex(layer, step, true, false, false)), lookedUp, news(vertex(layer, step, true, true, false)),
			news(vertex(copied, step, true, true, true)),
		}, "CACHED", []string{"DONE", "resolve"}},
		{"the layer was brought in", []*client.SolveStatus{
			news(vertex(layer, step, false, false, false), vertex(copied, step, false, false, false)),
			news(vertex(layer, step, true, false, false)), lookedUp, told(layer, "sha256:1"), news(vertex(layer, step, true, true, false)),
			news(vertex(copied, step, true, true, false)),
		}, "DONE", []string{"CACHED", "resolve"}},
		{"the layer was looked up and is gone", []*client.SolveStatus{
			news(vertex(layer, step, true, false, false)), lookedUp, news(func() *client.Vertex {
				v := vertex(layer, step, true, true, false)
				v.Error = "not found"
				return v
			}()),
		}, "ERROR: not found", []string{"CACHED"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, out := watched(t, "plain", test.statuses...)
			if !strings.Contains(out, test.want) {
				t.Errorf("it lacks %q:\n%s", test.want, out)
			}
			for _, not := range test.not {
				if strings.Contains(out, not) {
					t.Errorf("it says %q:\n%s", not, out)
				}
			}
		})
	}
}

// The digests are those of no image, and the platforms are those that were asked for.
func TestDisplay_hidesExportedTargets(t *testing.T) {
	const export = "exporting to oci image format"
	statuses := []*client.SolveStatus{status(export, "", "")}
	for _, id := range []string{"exporting layers", "exporting manifest sha256:1", "exporting config sha256:2", "exporting manifest list sha256:3"} {
		statuses = append(statuses, told(export, id))
	}
	statuses = append(statuses, &client.SolveStatus{Warnings: []*client.VertexWarning{
		{Vertex: digest.FromString(export), Short: []byte("Requested platforms linux/amd64 do not match result platforms linux/amd64,linux/amd64")},
		{Vertex: digest.FromString(export), Short: []byte("something else")},
	}})
	for _, mode := range []string{"plain", "rawjson"} {
		_, out := watched(t, mode, statuses...)
		for text, want := range map[string]bool{"exporting layers": true, "sha256:1": false, "sha256:2": false, "sha256:3": false, "do not match": false} {
			if strings.Contains(out, text) != want {
				t.Errorf("%s: that it says %q is not %t:\n%s", mode, text, want, out)
			}
		}
	}
}

func TestDisplay_hidesErrorBeforeRetry(t *testing.T) {
	const copied = "failed to copy: unsupported offset"
	for _, test := range []struct {
		repeats bool
		err     string
		want    string
	}{
		{true, copied, "CANCELED"},
		{true, "exit code: 1", "ERROR: exit code: 1"},
		{false, copied, "ERROR: " + copied},
	} {
		for _, step := range []*client.SolveStatus{status("one", "", test.err), news(failing("[one 1/1] copy a to /a", test.err))} {
			var out bytes.Buffer
			w, err := startWatching(Progress{Out: &out, Mode: "plain", repeats: test.repeats}, nil, redact)
			if err != nil {
				t.Fatal(err)
			}
			w.updates <- step
			close(w.updates)
			h, err := w.wait()
			if err != nil {
				t.Fatal(err)
			}
			if text := out.String(); !strings.Contains(text, test.want) || test.want == "CANCELED" && strings.Contains(text, "ERROR") {
				t.Errorf("repeats %t: it says\n%s, want %q", test.repeats, text, test.want)
			}
			if failed := h.failed(""); failed == nil || failed.Err != test.err {
				t.Errorf("the step that failed is %+v", failed)
			}
		}
	}
}

// failing returns the news of a step's layer that ended with an error.
func failing(step, text string) *client.Vertex {
	v := vertex(step+", its layer", step, true, true, false)
	v.Error = text
	return v
}
