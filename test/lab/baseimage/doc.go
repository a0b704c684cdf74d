// Package baseimage makes the images that stand in for those the specs start
// from: a Debian with dnf as "fedora:20" and "centos:7", made by mmdebstrap
// from the host's apt sources, and a tiny multi-platform "files:1" for tests
// that choose a platform.
//
// The images are the same bytes whenever they are made from the same Debian
// packages. Package baseimage does not publish them.
package baseimage
