// Package service asks servers whether they are available, and waits until they are. It uses the protocol of each server, as far as a
// client would before its first request. If a server is not available, the error shows why.
//
// It neither reads nor writes the data of a service. It prints nothing, and no error holds a password.
package service
