// Package registries knows how registries are reached: through which mirrors, over plain HTTP, and with which certificates. It reads what
// other programs read, so that nobody has to say it twice:
//
//   - registries.conf of podman, skopeo and buildah: mirrors, other locations, blocked and insecure registries
//   - hosts.toml of containerd and nerdctl: mirrors and certificates
//   - certs.d of docker, podman and containerd: certificates
//
// It makes no requests, and knows no credentials: those are with package publish.
package registries
