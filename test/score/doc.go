// Package score has kube-score judge what `pulpimg manifests` prints: its test fails for each finding that is neither mended nor listed in it with
// the reason why it stays.
//
// It is a module of its own, and runs the program: kube-score needs older packages of Kubernetes than the product.
package score
