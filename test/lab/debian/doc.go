// Package debian uses the Debian host that the lab runs on: it installs the
// host's tools that the lab needs, tells which apt sources the host has, and
// takes the files out of Debian packages.
//
// It knows nothing of images or RPMs. The sources and packages it returns are
// the host's own: no mirror is named here.
package debian
