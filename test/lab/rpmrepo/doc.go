// Package rpmrepo makes a yum repository with the packages and groups that the
// specs ask for, without any RPM tool but createrepo_c.
//
// The packages are stand-ins: they have the names, files, owners and modes that
// matter to an image, and programs that start on the lab's base image. augeas
// is the real one, out of Debian's packages. The same inputs give the same
// bytes. Package rpmrepo does not serve the repository.
package rpmrepo
