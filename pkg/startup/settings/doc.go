// Package settings writes what a contract declares into settings files when a container starts.
//
// A file is one that Python's ConfigParser reads: sections with lines of "key: value". It is changed by augtool and a lens, both out of
// the image, on a copy; when every value is in the copies of all files, these take the files' places. So nothing is written unless
// everything can be. What ConfigParser would not read back exactly is refused before that.
//
// It knows neither the spec nor how a container starts, and it does not look up variables: a contract.Environment does.
package settings
