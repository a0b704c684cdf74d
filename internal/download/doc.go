// Package download fetches files of URLs as an engine would: under the same source policy, through the proxies of the environment, trusting
// the same certificates. It keeps what it fetched, so that a pinned file is not fetched again, and any other one only when its server says that it changed.
//
// It is for small files, which are held in memory. Credentials of a URL go to its host and nowhere else: neither into what is kept, nor into errors.
package download
