package outside

import (
	"github.com/distribution/reference"
	"github.com/opencontainers/go-digest"
)

// DigestOf returns the digest in a reference, if it has one.
func DigestOf(ref string) digest.Digest {
	named, err := reference.ParseNormalizedNamed(ref)
	if digested, ok := named.(reference.Digested); ok && err == nil {
		return digested.Digest()
	}
	return ""
}

// Pinned adds the digest to a reference that has none.
func Pinned(ref string, found digest.Digest) string {
	if _, err := reference.ParseNormalizedNamed(ref); err != nil || found == "" || DigestOf(ref) != "" {
		return ref
	}
	return ref + "@" + found.String()
}

// withDigest returns a reference to what the repository of another one has under a digest.
func withDigest(ref string, d digest.Digest) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	return reference.TrimNamed(named).String() + "@" + d.String()
}
