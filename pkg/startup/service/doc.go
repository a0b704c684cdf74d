// Package service asks servers whether they are available: each by its own protocol, as far as a client of it would go before its first
// request. It tells apart why one is not, and waits until it is.
//
// It is no client: it neither reads nor writes what a service holds. It prints nothing, and no error has a password in it.
package service
