// Package inventory lists everything in a resolved family of images and where each value came from, as YAML for people and as JSON for
// programs.
//
// It decides nothing, and does not show what was built.
package inventory
