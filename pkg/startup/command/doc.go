// Package command runs programs that tell by their exit code whether something is there, such as a database with its tables. To those who
// wait, each is a service like a server.
//
// It neither changes the user nor looks programs up: what it runs does so, if it has to be done.
package command
