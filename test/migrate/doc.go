// Package migrate holds specs for the images of well-known Dockerfiles. They show that the language says what these say; README.md lists
// them. The tests check the specs without an engine; those in pairs build reduced ones, and compare the images with those of a Dockerfile.
package migrate
