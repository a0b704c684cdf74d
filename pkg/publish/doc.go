// Package publish publishes a family of images and moves its tags.
//
// [Publish] sends what a registry does not have yet and then moves the tags, all of them, after every image of the
// family is there. Each blob crosses the wire once: the first repository that needs it gets it, the others of the same
// registry mount it from there. A tag that already points to its image costs one request and nothing else.
// [Resolve] asks which digest a reference stands for.
//
// The package speaks the [OCI Distribution Specification] itself, over go-containerregistry's types, references,
// keychain and token exchange. It does not use that module's remote.Pusher, which asks a registry for its challenge once per
// repository, does not say whether a blob was sent or mounted, and does not honour Retry-After.
//
// It knows nothing of specs, build engines or layouts: what it publishes is a [v1.Image] or a [v1.ImageIndex].
// It never prints; [WithProgress] reports.
//
// [OCI Distribution Specification]: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md
package publish
