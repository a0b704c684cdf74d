// Package starter writes the spec that people begin with.
package starter
