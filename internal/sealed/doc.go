// Package sealed finds damage in the files of caches: a content has its SHA-256 checksum before it.
//
// It protects nothing from anybody who means harm: who can write a content can write its checksum. Formats and their numbers are with the
// packages that have the files.
package sealed
