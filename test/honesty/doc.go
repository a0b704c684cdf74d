// Package honesty edits specs and their files, asks `pulpimg plan` what a build would do, builds, and compares: what runs was announced, what
// was announced runs, what stays the same has the digest that it had, and the reason names the edit. It also damages what a build keeps for
// later ones: the next build makes the same images, or says what is damaged.
//
// The specs are those of specs and examples, as they are, and one that has every key. What they are based on is not: a source policy leads
// every base to one image in which a small program stands in for the shell, package managers and compilers. It writes down what it was
// asked to do, which takes a few milliseconds and makes another layer each time, as the real ones do. So 300 builds take minutes.
package honesty
