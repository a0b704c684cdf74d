// Package process turns the running program into another one: as a certain user, in a certain directory, under the same process ID, so
// that the signals which a container's first process gets reach the service itself.
//
// It does not decide what to become.
package process
