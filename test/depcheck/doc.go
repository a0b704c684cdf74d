// Package depcheck holds the project to the direction of its imports: its tests fail when a package gains an import that it must not have.
package depcheck
