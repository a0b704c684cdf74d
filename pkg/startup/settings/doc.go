// Package settings writes what a contract declares into settings files when a container starts.
//
// A file is one that Python's ConfigParser reads: sections with lines of "key: value". augtool changes a copy of it with a lens;
// both come from the image. When the copies of all files have all values, they replace the files, so that either all files are written or
// none. Values that ConfigParser would not read back exactly are refused before that.
//
// It knows neither the spec nor how a container starts, and it does not look up variables: a contract.Environment does.
package settings
