// Package layout keeps the images of one family in a directory, as an OCI image layout with an entry for each image.
//
// It does not know how images are made or where they go.
package layout
