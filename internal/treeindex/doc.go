// Package treeindex knows what the layers of an image say about its files, without an engine. An Index is what the tar headers of one layer
// say; a Stack of them is the tree of an image, as the engine shows it when it has unpacked the layers.
//
// Layers are not always made well, and what they mean is what the engine makes of them. The truth is containerd's way to unpack a layer for
// an overlay file system, https://github.com/containerd/containerd/blob/v2.4.2/pkg/archive/tar.go: each layer is unpacked by itself, so
// that an entry never follows a symbolic link of a layer below. Where containerd gives up, the package does, too. It follows
// the specification of images instead in what containerd or the kernel cannot do there: a whiteout beside an entry of the same name, an entry
// below a whiteout, a hard link of a file in a layer below, and an opaque root. https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
//
// The contents of files are not in an index, but for those of /etc/passwd and /etc/group, without which no owner has a number. The package
// does not know images or registries, nor where a layer comes from.
package treeindex
