// Package mirror is the http server that stands in for the web sites that the
// specs name: the .repo files, the yum repositories and their key.
//
// What it answers depends on its configuration alone, the Last-Modified times
// included: a build that fetches it twice gets the same bytes.
package mirror
