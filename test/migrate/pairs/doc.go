// Package pairs builds images twice: from a spec, and from a Dockerfile that says the same with the idioms of well-known projects, built by
// BuildKit's own frontend. What may differ is listed, with reasons, in allowed_test.go.
package pairs
