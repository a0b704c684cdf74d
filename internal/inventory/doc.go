// Package inventory lists what a family of images is after its spec has been resolved, with where each value came from, in a form that
// people read as YAML and programs as JSON.
//
// It shows. It decides nothing, and says nothing of what was built.
package inventory
