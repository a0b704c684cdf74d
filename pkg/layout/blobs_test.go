package layout_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

func openBlobs(t *testing.T) *layout.Blobs {
	t.Helper()
	d, err := layout.OpenBlobs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// What an index of somebody else calls a digest may be no digest, and must not lead out of the blobs.
func TestBlobs_noDigest(t *testing.T) {
	root := t.TempDir()
	d, err := layout.OpenBlobs(filepath.Join(root, "layout"))
	if err != nil {
		t.Fatal(err)
	}
	outside := filepath.Join(root, "outside")
	if err := os.WriteFile(outside, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, not := range []digest.Digest{"", "sha256", "sha256:../../../outside", "../../outside:x"} {
		desc := ocispec.Descriptor{Digest: not, Size: 2}
		var value any
		if err := d.ReadJSON(desc, &value); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("reading %q: %v, %v", not, value, err)
		}
		if d.Has(desc) {
			t.Errorf("there is a blob %q", not)
		}
	}
	if _, err := os.Stat(outside); err != nil {
		t.Error(err)
	}
}

// A blob is read back by its descriptor.
func TestBlobs_readBack(t *testing.T) {
	d := openBlobs(t)
	desc, err := d.WriteJSON(ocispec.MediaTypeImageConfig, map[string]int{"a": 1})
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]int
	if err := d.ReadJSON(desc, &got); err != nil || got["a"] != 1 {
		t.Errorf("read back %v, %v", got, err)
	}
	if !d.Has(desc) || desc.MediaType != ocispec.MediaTypeImageConfig || desc.Size != int64(len(`{"a":1}`)) {
		t.Errorf("descriptor %+v", desc)
	}
}

// Copy refuses a blob whose content does not have its digest.
func TestCopy_damaged(t *testing.T) {
	from, to := openBlobs(t), openBlobs(t)
	desc, err := from.Write("text/plain", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(from.Path(desc.Digest), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(from.Path(desc.Digest), []byte("changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := to.Copy(t.Context(), from, desc); err == nil || !strings.Contains(err.Error(), desc.Digest.String()) {
		t.Errorf("got error %v, want one that names the blob", err)
	}
	if to.Has(desc) {
		t.Error("the blob was copied all the same")
	}
	if from.Has(desc) {
		t.Error("the damaged blob is left, and no build makes it again")
	}
	nothingUnfinished(t, to)
}

func TestCopy_ends(t *testing.T) {
	from, to := openBlobs(t), openBlobs(t)
	desc, err := from.Write("text/plain", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	interrupted := errors.New("interrupted")
	cancel(interrupted)
	for name, bring := range map[string]func() error{
		"copy": func() error { return to.Copy(ctx, from, desc) },
		"link": func() error { return to.Link(ctx, reopened(t, from), desc) },
	} {
		if err := bring(); !errors.Is(err, interrupted) {
			t.Errorf("%s: got error %v, want the cause of the context's end", name, err)
		}
	}
	if to.Has(desc) {
		t.Error("the blob is there all the same")
	}
}

func reopened(t *testing.T, d *layout.Blobs) *layout.Blobs {
	t.Helper()
	again, err := layout.OpenBlobs(d.Root())
	if err != nil {
		t.Fatal(err)
	}
	return again
}

func TestLink(t *testing.T) {
	from, to := openBlobs(t), openBlobs(t)
	desc, err := from.Write("text/plain", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to.Path(desc.Digest), []byte("cut"), 0o444); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := to.Link(t.Context(), from, desc); err != nil {
			t.Fatal(err)
		}
		one, err := os.Stat(from.Path(desc.Digest))
		if err != nil {
			t.Fatal(err)
		}
		other, err := os.Stat(to.Path(desc.Digest))
		if err != nil {
			t.Fatal(err)
		}
		if !os.SameFile(one, other) {
			t.Error("the blob is stored twice")
		}
	}
}

func TestLink_refusesADamagedBlob(t *testing.T) {
	from, to := openBlobs(t), openBlobs(t)
	desc, err := from.Write("text/plain", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	name := from.Path(desc.Digest)
	if err := errors.Join(os.Chmod(name, 0o644), os.WriteFile(name, []byte("changed"), 0o644)); err != nil {
		t.Fatal(err)
	}
	if err := to.Link(t.Context(), reopened(t, from), desc); err == nil || !strings.Contains(err.Error(), desc.Digest.String()) {
		t.Errorf("got error %v, want one that names the blob", err)
	}
	if to.Has(desc) || from.Has(desc) {
		t.Errorf("the damaged blob is there: %t, and where it was: %t", to.Has(desc), from.Has(desc))
	}
}

// A damaged blob is removed, and the error names it.
func TestReadJSON_damaged(t *testing.T) {
	for _, damaged := range []string{"", `{"a":`, `{"a":2}`} {
		d := openBlobs(t)
		desc, err := d.WriteJSON("application/json", map[string]int{"a": 1})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Chmod(d.Path(desc.Digest), 0o644), os.WriteFile(d.Path(desc.Digest), []byte(damaged), 0o644)); err != nil {
			t.Fatal(err)
		}
		var got map[string]int
		if err := d.ReadJSON(desc, &got); err == nil || !strings.Contains(err.Error(), desc.Digest.String()) || got != nil {
			t.Errorf("%q: got %v and error %v, want one that names the blob", damaged, got, err)
		}
		if _, err := os.Stat(d.Path(desc.Digest)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%q: it is still there: %v", damaged, err)
		}
	}
}

func TestWrite_severalAtOnce(t *testing.T) {
	d := openBlobs(t)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if _, err := d.Write("text/plain", []byte(strings.Repeat("content", 10_000))); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	desc, err := d.Write("text/plain", []byte(strings.Repeat("content", 10_000)))
	if err != nil || !d.Has(desc) {
		t.Errorf("afterwards the blob is there: %t, %v", d.Has(desc), err)
	}
}
