// Command packaging makes what a release offers of compiled programs: archives, packages for Debian and Fedora, and their checksums. The
// Makefile compiles the programs and calls it:
//
//	packaging [-formats tar,deb,rpm] [-time SECONDS] [-o dist] linux/amd64=FILE darwin/arm64=FILE ...
//
// It runs the program that is for this machine for its version, its manual pages and its completions. The same programs give the same bytes.
//
// It is a module of its own, so that the product does not get its requirements.
package main
