// Package gitinfo asks git what it says of the repository that a directory is in: the commit that is checked out, its tag and so on. It runs
// git itself, whose answers are those that people see, and changes nothing. It knows nothing of specs.
package gitinfo
