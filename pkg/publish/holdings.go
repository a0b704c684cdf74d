package publish

import (
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// holdings are the blobs that repositories have because their tags point to images with them. Nobody needs to ask for these.
type holdings struct {
	places places
	held   map[repoBlob]bool
}

// holdingsOf returns what follows from the answers of registries about tags, and from what is known of the images that these point to.
func holdingsOf(entries []entry) holdings {
	images := map[repoBlob]bool{}
	for _, e := range entries {
		if e.former != (v1.Hash{}) {
			images[repoBlob{e.repo(), e.former}] = true
		}
	}
	h := holdings{places: placesOf(entries), held: map[repoBlob]bool{}}
	for digest, all := range h.places {
		for _, p := range all {
			if p.err == nil && images[repoBlob{p.repo, p.image}] {
				h.held[repoBlob{p.repo, digest}] = true
			}
		}
	}
	return h
}

// has reports whether a repository has a blob, by these answers.
func (h holdings) has(repo name.Repository, digest v1.Hash) bool {
	return h.held[repoBlob{repo, digest}]
}

const (
	// fewBlobs and smallBlob say which blobs are sent at once: to ask whether the repository has the image, and then each of them, takes
	// longer than to send them.
	fewBlobs  = 2
	smallBlob = 64 << 10
)

// lacksLittle reports whether an image is probably new in a repository that has most of it, as after an edit.
func (h holdings) lacksLittle(e entry) bool {
	if e.former == (v1.Hash{}) || len(e.artifact.manifests) != 1 {
		return false
	}
	lacks := 0
	for _, b := range e.artifact.blobs {
		if h.has(e.repo(), b.digest) {
			continue
		}
		lacks++
		if lacks > fewBlobs || b.size > smallBlob {
			return false
		}
	}
	return lacks < len(e.artifact.blobs)
}
