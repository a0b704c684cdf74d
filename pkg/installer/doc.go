// Package installer knows the package managers: the command that installs packages, the directories worth keeping between builds,
// and what a package manager leaves behind that does not belong into a layer.
//
// It does not know how a command is run.
package installer
