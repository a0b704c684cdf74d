// Package publish publishes a family of images and moves its tags.
//
// [Publish] uploads what registries do not have yet. When every image of the family is there, in each of them, it moves all tags. Each blob
// is uploaded to a registry once: to the first repository that needs it. The other repositories of the same registry mount it from there.
// Layers of a base from outside are mounted from its repository, or streamed from another registry if they are not on this machine; [Fill]
// downloads those. A tag that already points to its image costs one request and nothing else. Tags that are never moved once they exist are
// checked before anything is sent. [Preview] finds out what a publication would do. [Resolve] asks for the digest of a reference,
// and a [Reader] reads manifests, blobs and lists of tags. [RemoveTags] removes tags.
//
// The package speaks the [OCI Distribution Specification] itself, over go-containerregistry's types, references,
// keychain and token exchange. It does not use that module's remote.Pusher, which asks a registry for its challenge once per
// repository, does not say whether a blob was sent or mounted, and does not honour Retry-After.
//
// [Images] publishes images of a layout. Otherwise, what the package publishes is a [v1.Image] or a [v1.ImageIndex], and it knows nothing of
// specs and build engines.
// It never prints: it calls the functions in its [Options].
//
// [OCI Distribution Specification]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
package publish
