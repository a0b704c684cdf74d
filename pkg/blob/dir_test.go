package blob_test

import (
	"errors"
	"os"
	"strings"
	"sync"
	"testing"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/blob"
)

func open(t *testing.T) *blob.Dir {
	t.Helper()
	d, err := blob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestABlobIsReadBackByItsDescriptor(t *testing.T) {
	d := open(t)
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

func TestCopyRefusesABlobThatIsNotWhatItsDigestSays(t *testing.T) {
	from, to := open(t), open(t)
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
	if err := to.Copy(from, desc); err == nil || !strings.Contains(err.Error(), desc.Digest.String()) {
		t.Errorf("got error %v, want one that names the blob", err)
	}
	if to.Has(desc) {
		t.Error("the blob was copied all the same")
	}
	if left, err := os.ReadDir(to.Root() + "/blobs/sha256"); err != nil || len(left) != 0 {
		t.Errorf("files left behind: %v, %v", left, err)
	}
}

func TestADamagedBlobIsRemovedAndNamed(t *testing.T) {
	for _, damaged := range []string{"", `{"a":`, `{"a":2}`} {
		d := open(t)
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

func TestManyMayWriteTheSameBlobAtOnce(t *testing.T) {
	d := open(t)
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
