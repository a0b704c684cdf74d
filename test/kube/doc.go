// Package kube does with the objects of `pulpimg manifests` what a Kubernetes API server does when they are created, with the API
// server's own code: it decodes them strictly, fills in defaults, converts them to their internal form and validates them.
//
// It is a module of its own so that k8s.io/kubernetes stays out of the product's dependencies.
package kube
