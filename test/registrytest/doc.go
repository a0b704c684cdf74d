// Package registrytest runs a real registry, github.com/distribution/distribution, on 127.0.0.1 for the length of a test,
// and puts a proxy in front of it that keeps count of what crosses the wire and can make things go wrong.
//
// It is a module of its own so that the registry stays out of the product's dependencies. Its tests are those of
// pkg/publish that an in-memory stand-in cannot hold: a real registry keeps blobs per repository.
package registrytest
