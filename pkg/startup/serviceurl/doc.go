// Package serviceurl reads the URLs that name services, such as "mongodb://user:password@db1,db2:27018/admin?tls=true". It is the one
// place that knows the schemes and their ports.
//
// It is not for URLs in general (those have one host, and net/url reads them), and it talks to no service.
package serviceurl
