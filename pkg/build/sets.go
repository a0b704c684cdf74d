package build

import (
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/key"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// Which steps of a family have sets of records in registries follows from the spec and its files alone: every machine looks for the same.

// sharedSize is how many bytes of files, not compressed, are worth a request: fewer are put into a layer faster than anybody is asked for it.
const sharedSize = 256 << 10

// isShared reports whether the records of a step are worth to be found by its own key: it makes what cannot be made of the spec's folder alone.
func isShared(step family.Step) bool { return runsCommand(step) || len(family.SourcesOf(step)) > 0 }

// hasSet reports whether a step has a set of its own: a shared one has, and so has the last one that makes something, if that is worth it.
func (s settings) hasSet(image *forecast.Image, at int) bool {
	if !image.Steps[at].Makes {
		return false
	}
	return isShared(image.Source.Steps[at]) || at == lastMaking(image) && s.endIsWorthIt(image)
}

// endIsWorthIt reports whether the files behind the last shared step of an image are so large that another machine had better not make their
// layers again. If there is no shared step, a set is also the only one that has the indexes of the base from outside.
func (s settings) endIsWorthIt(image *forecast.Image) bool {
	var size int64
	for at := len(image.Steps) - 1; at >= 0; at-- {
		step := image.Source.Steps[at]
		if image.Steps[at].Makes && isShared(step) {
			return size >= s.minShared
		}
		size += sizeOf(step)
	}
	return size >= s.minShared || image.Below == nil && image.Base != nil
}

// sizeOf returns how many bytes of files that were on disk a step brings. The helper counts as large.
func sizeOf(step family.Step) int64 {
	files, ok := step.(family.Files)
	if !ok {
		return 0
	}
	if len(files.Helpers) > 0 {
		return sharedSize
	}
	var size int64
	for _, file := range files.Files {
		if content, ok := file.Content.(family.DiskContent); ok {
			_, _, info := content.File()
			size += info.Size()
		}
	}
	return size
}

// lastMaking returns the index of the last step of an image that makes a layer, or -1.
func lastMaking(image *forecast.Image) int {
	for at := len(image.Steps) - 1; at >= 0; at-- {
		if image.Steps[at].Makes {
			return at
		}
	}
	return -1
}

// sharedKeys returns the keys under which a registry may know the steps of an image, from the lowest one up.
func (s settings) sharedKeys(image *forecast.Image) []digest.Digest {
	var out []digest.Digest
	for at, step := range image.Steps {
		if s.hasSet(image, at) {
			out = append(out, s.recordKey(step))
		}
	}
	return out
}

// topOf appends the key of the last set of an image or, if it has none, of those below it.
func (s settings) topOf(keys []digest.Digest, image *forecast.Image) []digest.Digest {
	for ; image != nil; image = image.Below {
		if own := s.sharedKeys(image); len(own) > 0 {
			return append(keys, own[len(own)-1])
		}
	}
	return keys
}

// recordKey returns the key of the record of a step.
func (s settings) recordKey(step forecast.Step) digest.Digest {
	if step.Command {
		return step.Key
	}
	return key.Layer(step.Key, s.Created)
}
