package publish

import (
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Result is what a publication did.
type Result struct {
	// Items are in the order of the arguments of [Publish].
	Items []Published
}

// Published is what was done for one item.
type Published struct {
	Name      string
	Reference name.Tag
	Digest    v1.Hash
	// Present is set if the repository had the whole image before. Then no blob was asked for, and the tallies are zero.
	Present bool
	// TagMoved is set if the tag did not point to the image before.
	TagMoved bool
	// Former is what the tag pointed to before. It is the zero value if the tag did not exist, or if the registry did not say.
	Former v1.Hash
	// Unknown is set if the registry refused to say what the tag pointed to. Some registries refuse that for a repository that does not exist.
	Unknown bool
	// The blobs of the item by how they came into the repository. A blob that two items of one repository share, such as two tags of one
	// image, counts as existing for the second item.
	Pushed, Mounted, Existing Tally
}

// Tally counts blobs.
type Tally struct {
	// Layers is how many layers there were.
	Layers int
	// Bytes is the size of the layers and configs together.
	Bytes int64
}

func (t *Tally) add(b blob) {
	t.Bytes += b.size
	if b.layer {
		t.Layers++
	}
}

// PushedBytes is the size of all blobs that were uploaded.
func (r *Result) PushedBytes() int64 {
	var n int64
	for _, i := range r.Items {
		n += i.Pushed.Bytes
	}
	return n
}

// newResult adds up the blobs of each item by their states. A blob without a transfer existed before.
func newResult(entries []entry, results []transferResult) *Result {
	r := &Result{Items: make([]Published, len(entries))}
	type itemBlob struct {
		item   int
		digest v1.Hash
	}
	states := make(map[itemBlob]State, len(results))
	for _, r := range results {
		states[itemBlob{r.transfer.item, r.transfer.blob.digest}] = r.state
	}
	for i, e := range entries {
		p := Published{
			Name: e.item.Name, Reference: e.item.Reference, Digest: e.digest, Present: e.present,
			TagMoved: !e.tagged, Former: e.former, Unknown: e.denied,
		}
		if !e.present {
			for _, b := range e.artifact.blobs {
				switch states[itemBlob{i, b.digest}] {
				case Pushed:
					p.Pushed.add(b)
				case Mounted:
					p.Mounted.add(b)
				default:
					p.Existing.add(b)
				}
			}
		}
		r.Items[i] = p
	}
	return r
}
