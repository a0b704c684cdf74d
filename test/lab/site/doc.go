// Package site is a lab as a whole: what it has to have prepared in its cache
// folder, and the servers of a running one.
//
// The cache folder holds what takes long to make, by the key of what it is made
// of, and a numbered folder for each lab that runs at the same time with what
// that one keeps between its runs: its ports and its registry's storage.
package site
