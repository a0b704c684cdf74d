package build

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/atomicfile"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/layout"
)

// notesFile is in the layout of the images. It is not part of an OCI image layout, which allows further files.
const notesFile = "shared.json"

// notesFormat is the version of notesFile. A file of another version counts as none, and is replaced: it only saves requests.
const notesFormat = 1

// notes say what registries were told, so that they are not asked again with each publication. They are those of the last build that was
// published: what another one told is asked for once more.
type notes struct {
	Format int `json:"format"`
	// Document is the document that they are about.
	Document digest.Digest `json:"document"`
	// Sets are the states of sets by their references.
	Sets map[string]noteState `json:"sets"`
	// Complete are the repositories in which everything was confirmed.
	Complete []string `json:"complete,omitempty"`
	// Removed is when sets were removed from registries. What a build before that took from a set, a registry may have no longer.
	Removed time.Time `json:"removed,omitzero"`

	before  map[string]noteState
	changed bool
}

// A noteState is what is known of a set in a registry.
type noteState string

const (
	// noteSent and a space begin the note of one that was written; the digest of its manifest follows. Another machine may have written at the
	// same time, and the last one of both is there: that shows when the next publication asks once more.
	noteSent noteState = "sent"
	// noteConfirmed is one that was there when it was asked for.
	noteConfirmed noteState = "confirmed"
	// noteOther is one in whose place another one was there, which stays.
	noteOther noteState = "other"
)

// readNotes returns the notes of a layout about a document.
func readNotes(from *layout.Layout, document digest.Digest) notes {
	n := notes{Format: notesFormat, Document: document, Sets: map[string]noteState{}}
	old, err := loadNotes(filepath.Join(from.Dir(), notesFile))
	if err != nil {
		return n
	}
	n.before, n.Removed = old.Sets, old.Removed
	if n.changed = old.Document != document; !n.changed { // perhaps images are published one by one
		maps.Copy(n.Sets, old.Sets)
		n.Complete = old.Complete
	}
	return n
}

// loadNotes reads notes. A file that is not there, or does not have them in this format, has none.
func loadNotes(file string) (notes, error) {
	none := notes{Format: notesFormat}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, err
	}
	var n notes
	if json.Unmarshal(data, &n) != nil || n.Format != notesFormat {
		return none, nil
	}
	return n, nil
}

// write replaces the notes of a file.
func (n *notes) write(file string) error {
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return atomicfile.Write(file, data, 0o644)
}

// all reports whether the repositories of images were told everything, so that there is nothing to do.
func (n *notes) all(where family.Records, images []layout.Image) bool {
	return len(n.Complete) > 0 && slices.Equal(n.Complete, placesOf(where, images))
}

// complete notes that the repositories of images were told everything.
func (n *notes) complete(where family.Records, images []layout.Image) {
	n.Complete, n.changed = placesOf(where, images), true
}

// placesOf returns the repositories that have the records of images.
func placesOf(where family.Records, images []layout.Image) []string {
	var out []string
	for _, image := range images {
		out = append(out, placesFor(where, image.References)...)
	}
	return out
}

// state returns what is known of a set. It keeps the note of one that was told by an earlier build, and needs no question.
func (n *notes) state(t telling) noteState {
	state := n.before[t.note()]
	if state == noteConfirmed || state == noteOther {
		n.Sets[t.note()] = state
	}
	return state
}

// sent returns the digest of the manifest that was written, if a state says so.
func (s noteState) sent() (digest.Digest, bool) {
	d, ok := strings.CutPrefix(string(s), string(noteSent)+" ")
	return digest.Digest(d), ok
}

func (n *notes) set(t telling, state noteState) {
	n.changed = n.changed || n.before[t.note()] != state
	n.Sets[t.note()] = state
}

// save writes the notes if there is something new.
func (n *notes) save(into *layout.Layout) error {
	if !n.changed {
		return nil
	}
	return n.write(filepath.Join(into.Dir(), notesFile))
}

// note names a set with what it says: where a command ran again, the same key has something new to tell.
func (t telling) note() string {
	data, err := json.Marshal(t.Records)
	if err != nil {
		return t.reference()
	}
	return t.reference() + " " + digest.FromBytes(data).Encoded()[:16]
}
