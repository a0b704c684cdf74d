// Bench measures pulpimg against `buildx bake`, which builds the same images from Dockerfiles written by hand (dockerfiles/), on the
// same engine and into the same registry, and reports whether the targets for speed are met.
//
// See README.md for how it measures. It is not a test: what it prints depends on the machine, and only ratios mean something.
package main
