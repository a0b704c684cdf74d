// Package cluster runs a Kubernetes cluster of one machine for tests: the programs of Kubernetes itself, etcd and containerd, in
// namespaces of their own. The first process in these is this program again; with its end the kernel ends everything in them, and no
// mount, address or packet filter rule is left. Its only way out are the relays that the tests name.
package cluster
