// Package kubernetes turns a family into Kubernetes objects: a Deployment, StatefulSet, DaemonSet, Job or CronJob for each image, as its workload
// says, and what they need around them; or a Pod for each image. It writes them as YAML, the same bytes for the same family.
//
// It only makes the objects. It talks to no cluster and no registry: the caller passes the reference of each image.
package kubernetes
