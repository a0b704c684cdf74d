// Package cachedir guards the directory in which pulpimg keeps what it can make again: the embedded engine, file layers, built images.
//
// What is kept there is executed and published by the user who runs pulpimg, often by root. [Check] therefore refuses a place that
// another user could exchange. [Use] and [Empty] let commands share a directory of the cache with one that frees its disk.
//
// The package does not know what the directories hold.
package cachedir
