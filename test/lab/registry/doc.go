// Package registry runs a real image registry, github.com/distribution/distribution,
// inside this process: on 127.0.0.1, with its storage in a folder, with or
// without a user and password.
//
// It is not a mock: what a client sees is what it sees of such a registry
// anywhere, including that blobs are kept per repository and have to be mounted.
package registry
