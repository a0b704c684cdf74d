// Package ignore matches paths with the patterns of a .dockerignore or of an exclude, by the matcher of docker builds.
//
// It does not read files and does not walk directories: who has the paths, from a folder or from a list, asks about one after the other.
package ignore
