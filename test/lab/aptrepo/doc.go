// Package aptrepo makes a small repository of Debian packages, for tests of apt steps.
//
// The repository is the same bytes every time. Package aptrepo does not serve it.
package aptrepo
