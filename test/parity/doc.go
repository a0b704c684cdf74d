// Package parity builds specs both ways, as LLB (internal/llb, pkg/build) and as Dockerfiles (pkg/render/dockerfile, and the Dockerfile frontend
// that is part of BuildKit), on one engine, and compares the images: file trees, configs, and what their histories tell. What may differ is
// listed, with reasons, in allowed_test.go.
package parity
