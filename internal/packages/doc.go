// Package packages knows the package managers: the commands that install packages, the checks that all of them were installed, the
// directories to cache between builds, and the files of a package manager that do not belong into a layer.
//
// The exit code of a package manager is not enough: yum 3 skips packages that it does not find and still ends with 0, dnf skips members
// of groups, apt-get update continues with old indexes, and apk does not remove what something needs. So the commands first remove what an
// earlier build left behind, and at the end look every package up in the database of installed packages.
//
// It does not know how a command is run.
package packages
