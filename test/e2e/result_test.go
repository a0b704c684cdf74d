package e2e

import (
	"encoding/json"
	"strings"
	"testing"
)

// A result is what `pulpimg build --format json` prints.
type result struct {
	Family string
	Images []resultImage
}

type resultImage struct {
	Image     string
	Reference string
	Digest    string
	Parent    string
	Platforms []struct {
		Platform string
		Digest   string
		Layers   []struct {
			Digest string
			Size   int64
		}
		Shared int
	}
}

// result reads what the program printed.
func (o outcome) result(t *testing.T) result {
	t.Helper()
	var r result
	if err := json.Unmarshal([]byte(o.ok(t).stdout), &r); err != nil {
		t.Fatalf("reading the result: %v\n%s", err, o.stdout)
	}
	return r
}

// digests returns the digest of each image.
func (r result) digests() map[string]string {
	out := map[string]string{}
	for _, image := range r.Images {
		out[image.Image] = image.Digest
	}
	return out
}

// layers returns the digests of each image's layers.
func (r result) layers() map[string][]string {
	out := map[string][]string{}
	for _, image := range r.Images {
		for _, l := range image.Platforms[0].Layers {
			out[image.Image] = append(out[image.Image], l.Digest)
		}
	}
	return out
}

// A vertex is a step of a build, as BuildKit's status describes it.
type vertex struct {
	Digest    string
	Name      string
	Cached    bool
	Started   string
	Completed string
	Error     string
}

// vertices reads the status that `--progress rawjson` writes, and returns what became of each vertex.
func (o outcome) vertices(t *testing.T) []vertex {
	t.Helper()
	var order []string
	latest := map[string]vertex{}
	for line := range strings.Lines(o.stderr) {
		var status struct{ Vertexes []vertex }
		if err := json.Unmarshal([]byte(line), &status); err != nil {
			t.Fatalf("a line of the status is no JSON: %v\n%s", err, line)
		}
		for _, v := range status.Vertexes {
			if _, known := latest[v.Digest]; !known {
				order = append(order, v.Digest)
			}
			latest[v.Digest] = v
		}
	}
	out := make([]vertex, len(order))
	for i, digest := range order {
		out[i] = latest[digest]
	}
	return out
}
