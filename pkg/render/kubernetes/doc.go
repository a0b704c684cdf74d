// Package kubernetes turns a family into Kubernetes objects: a Deployment for each image that must run once, a StatefulSet for each other
// one, and what they need around them; or a Pod for each image. It writes them as YAML, the same bytes for the same family.
//
// It decides what the objects are. It asks no cluster and no registry: which image is meant, and by which digest, it is told.
package kubernetes
