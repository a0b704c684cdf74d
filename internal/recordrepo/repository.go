package recordrepo

import (
	"maps"
	"time"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A State is what is under the tag of a set.
type State string

// The states.
const (
	// Readable is a set that builds read.
	Readable State = "readable"
	// Unknown is a set of a format that this program does not know.
	Unknown State = "unknown"
	// Damaged is a set that no build takes anything from.
	Damaged State = "damaged"
	// Foreign is something else, which somebody gave such a tag.
	Foreign State = "foreign"
)

// A Set is what a repository has under the tag of a set.
type Set struct {
	// Reference is REGISTRY/REPOSITORY:TAG.
	Reference string
	Key       digest.Digest
	// Digest is the digest of its manifest.
	Digest digest.Digest
	State  State
	// Problem is what is wrong with it; empty for a readable one.
	Problem string
	// Records and Commands count the records of steps, and those of commands among them.
	Records, Commands int
	// Ran is when the last one of its commands ran; the zero time if there is none, or nobody knows.
	Ran time.Time
	// UsedBy are the published images that have all layers of its records: tags, in the order of their names.
	UsedBy []string
	// Size is how many bytes of layers only sets have, this one among them.
	Size int64

	layers []ocispec.Descriptor // of its image
	named  []digest.Digest      // the layers that its records name
	hollow bool                 // nobody keeps the layer of its last step
}

// A Repository is what a repository has.
type Repository struct {
	// Name is REGISTRY/REPOSITORY.
	Name string
	// Apart reports whether its records are about the images of other repositories.
	Apart bool
	// Sets are in the order of their references.
	Sets []Set

	published map[digest.Digest]bool // the layers and manifests of published images
	images    int                    // how many published images there are
}

// DefaultAge is how long the sets of images that are not published are needed.
const DefaultAge = 30 * 24 * time.Hour

// Needed reports whether somebody needs a set of the repository.
//
// Only its sets know the commands of an image that is not published. Nothing else in the repository says whether a published image was made with
// them. They are needed if they ran within an age of the last command of the repository: time alone makes none of them unneeded. If nobody knows
// when that was, they are needed as long as there is a published image.
//
// What is damaged tells nobody anything, and is not needed. What the program does not know, or did not write, it leaves to others.
func (r Repository) Needed(s Set, age time.Duration) bool {
	switch {
	case s.State == Damaged:
		return false
	case s.State != Readable || len(s.UsedBy) > 0:
		return true
	case !s.hollow || r.images == 0:
		return false
	}
	return s.Ran.IsZero() || r.lastRan().Sub(s.Ran) <= age
}

// lastRan returns when the last command ran that a set tells of.
func (r Repository) lastRan() time.Time {
	var last time.Time
	for _, s := range r.Sets {
		if s.Ran.After(last) {
			last = s.Ran
		}
	}
	return last
}

// Unneeded returns the sets that nobody needs, and how many bytes of layers nothing in the repository has without them.
func (r Repository) Unneeded(age time.Duration) (sets []Set, size int64) {
	there := maps.Clone(r.published)
	for _, s := range r.Sets {
		if !r.Needed(s, age) {
			sets = append(sets, s)
			continue
		}
		for _, l := range s.layers {
			there[l.Digest] = true
		}
	}
	return sets, sizeWithout(there, sets...)
}

// Size returns how many bytes of layers only the sets of the repository have.
func (r Repository) Size() int64 {
	return sizeWithout(r.published, r.Sets...)
}

// sizeWithout returns how many bytes the layers of sets have that are not there otherwise, each once.
func sizeWithout(there map[digest.Digest]bool, sets ...Set) int64 {
	var size int64
	seen := map[digest.Digest]bool{}
	for _, s := range sets {
		for _, l := range s.layers {
			if !seen[l.Digest] && !there[l.Digest] {
				seen[l.Digest] = true
				size += l.Size
			}
		}
	}
	return size
}
