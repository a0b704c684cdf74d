// Package outside looks up images of registries as an engine would see them: with the same source policy, mirrors and blocked registries,
// with the same choice of a platform, and with the layers that BuildKit's exporter writes into a manifest on top of them.
//
// It reads manifests and configs, and opens layers. It keeps what it read of the former by digest, and runs nothing: what an engine alone
// can do with an image is an [UnsupportedError].
package outside
