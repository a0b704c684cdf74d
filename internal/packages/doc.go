// Package packages knows the package managers: the commands that install packages, how to find out afterwards whether all of them are
// installed, the directories worth keeping between builds, and what a package manager leaves behind that does not belong into a layer.
//
// The exit code of a package manager is not enough: yum 3 leaves out what it does not find and ends with 0, dnf leaves out members of
// groups, and apt-get update goes on with old indexes. So the commands here start without what an earlier build left behind, and ask
// the database of installed packages at the end.
//
// It does not know how a command is run.
package packages
