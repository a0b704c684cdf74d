// Package depcheck holds the project to the invariants of docs/architecture.md: the direction of imports above all, but also sizes of files
// and functions, and what zero values do.
package depcheck
