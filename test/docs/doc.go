// Package docs holds the documentation to the truth: its tests make docs/reference.md from the description of the language, and run the
// commands that the documentation shows.
package docs
