// Package blob keeps content by its digest in a directory, in the form of an OCI image layout's blobs.
//
// It does not know what the content is, nor who still needs it.
package blob
