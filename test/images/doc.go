// Package images is for tests that compare images: it reads what an image says and each file in it, and builds images from Dockerfiles.
package images
