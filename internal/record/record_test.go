package record_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/record"
)

// full returns a record that says something of everything.
func full() record.Record {
	return record.Record{
		Key: digest.FromString("key"), On: digest.FromString("on"), Result: digest.FromString("result"),
		Blob: &ocispec.Descriptor{MediaType: ocispec.MediaTypeImageLayerGzip, Digest: digest.FromString("blob"), Size: 7},
		Ran:  time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Network: true,
	}
}

// put keeps a record in a store of its own, and returns the store and the record's file.
func put(t *testing.T, r record.Record) (store record.Store, file string) {
	t.Helper()
	dir := t.TempDir()
	store = record.In(dir)
	if err := store.Put(r); err != nil {
		t.Fatal(err)
	}
	return store, filepath.Join(dir, "records.v1", r.Key.Encoded())
}

func TestStore_roundTrip(t *testing.T) {
	bare := record.Record{Key: digest.FromString("key"), On: digest.FromString("on"), Result: digest.FromString("result")}
	for _, want := range []record.Record{full(), bare} {
		store, file := put(t, want)
		got, ok := store.Get(want.Key)
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("it is there: %t, (-put +got):\n%s", ok, diff)
		}
		if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("its file: %v, %v", info, err)
		}
	}
	store, _ := put(t, full())
	if _, ok := store.Get(digest.FromString("another key")); ok {
		t.Error("there is a record of another key")
	}
	if _, ok := record.In(filepath.Join(t.TempDir(), "none")).Get(full().Key); ok {
		t.Error("a directory that is not there has a record")
	}
	for _, key := range []digest.Digest{"", "sha256:../../passwd", "../x", "md5:0123"} {
		if _, ok := store.Get(key); ok {
			t.Errorf("there is a record of %q", key)
		}
	}
}

// The newest record of a key counts. One that says nothing new is not written again.
func TestStore_Put_again(t *testing.T) {
	store, file := put(t, full())
	before, err := os.Stat(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Put(full()); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
		t.Errorf("the same record was written again: %v", err)
	}
	next := full()
	next.Result = digest.FromString("another result")
	if err := store.Put(next); err != nil {
		t.Fatal(err)
	}
	if got, ok := store.Get(next.Key); !ok || got.Result != next.Result {
		t.Errorf("there is %+v", got)
	}
}

// Who reads while others write gets one record or the other, as a whole.
func TestStore_concurrent(t *testing.T) {
	store, _ := put(t, full())
	var all sync.WaitGroup
	for i := range 8 {
		r := full()
		r.Result = digest.FromString(string(rune('a' + i)))
		r.Blob.Digest = r.Result
		all.Go(func() {
			for range 20 {
				if err := store.Put(r); err != nil {
					t.Error(err)
				}
				if got, ok := store.Get(r.Key); !ok || got.Result != got.Blob.Digest && got.Result != full().Result {
					t.Errorf("it is there: %t, %+v", ok, got)
				}
			}
		})
	}
	all.Wait()
}

// sealed returns the content of a record's file that says something.
func sealed(t testing.TB, value any) []byte {
	t.Helper()
	content, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(content)
	return append(sum[:], content...)
}

// A record that is damaged in any place counts as none.
func TestStore_Get_damaged(t *testing.T) {
	store, file := put(t, full())
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(name string, data []byte) {
		t.Helper()
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := store.Get(full().Key); ok {
			t.Errorf("%s: %+v", name, got)
		}
	}
	for at := range whole {
		changed := bytes.Clone(whole)
		changed[at] ^= 1
		refused("a bit is another", changed)
		refused("it ends before its end", whole[:at])
	}
	refused("there is something behind it", append(bytes.Clone(whole), ' '))
	for name, change := range map[string]func(*record.Record){
		"of another key":           func(r *record.Record) { r.Key = digest.FromString("another") },
		"without a key":            func(r *record.Record) { r.Key = "" },
		"on nothing":               func(r *record.Record) { r.On = "" },
		"on something odd":         func(r *record.Record) { r.On = "sha256:0" },
		"without a result":         func(r *record.Record) { r.Result = "" },
		"of a blob without digest": func(r *record.Record) { r.Blob.Digest = "" },
		"of an odd blob":           func(r *record.Record) { r.Blob.Digest = "sha256:../../x" },
		"of a blob without size":   func(r *record.Record) { r.Blob.Size = 0 },
		"of a negative size":       func(r *record.Record) { r.Blob.Size = -1 },
	} {
		r := full()
		change(&r)
		refused(name, sealed(t, r))
	}
	refused("another type", sealed(t, []string{"a record"}))
	if err := store.Put(full()); err != nil {
		t.Fatal(err)
	}
	if _, ok := store.Get(full().Key); !ok {
		t.Error("a damaged record is not replaced")
	}
}

// Another version of the format is in another directory, and is left alone.
func TestStore_otherFormat(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "records.v0", full().Key.Encoded())
	if err := os.MkdirAll(filepath.Dir(other), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, sealed(t, full()), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, ok := record.In(dir).Get(full().Key); ok {
		t.Error("there is a record of another format")
	}
	if err := record.In(dir).Put(full()); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(other); err != nil || !bytes.Equal(data, sealed(t, full())) {
		t.Errorf("it was changed: %v", err)
	}
}

func TestStore_Put_fails(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := record.In(file).Put(full()); err == nil {
		t.Error("a record is kept in a file")
	}
}

func TestStore_RemoveUnused(t *testing.T) {
	store, used := put(t, full())
	old := full()
	old.Key = digest.FromString("old")
	if err := store.Put(old); err != nil {
		t.Fatal(err)
	}
	long := time.Now().AddDate(-1, 0, 0)
	for _, file := range []string{used, filepath.Join(filepath.Dir(used), old.Key.Encoded())} {
		if err := os.Chtimes(file, long, long); err != nil {
			t.Fatal(err)
		}
	}
	store.Get(full().Key) // that is a use
	store.RemoveUnused()
	if _, ok := store.Get(full().Key); !ok {
		t.Error("one that was used is gone")
	}
	if _, ok := store.Get(old.Key); ok {
		t.Error("one that nobody used is there")
	}
}

func TestStore_Remove(t *testing.T) {
	store, file := put(t, full())
	other := full()
	other.Key = digest.FromString("another key")
	if err := store.Put(other); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is not there is removed already
		if err := store.Remove(full().Key); err != nil {
			t.Fatal(err)
		}
		if _, ok := store.Get(full().Key); ok {
			t.Error("it is still there")
		}
	}
	if _, ok := store.Get(other.Key); !ok {
		t.Error("the record of another key is gone")
	}
	if err := errors.Join(os.Mkdir(file, 0o755), os.WriteFile(filepath.Join(file, "x"), nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := store.Remove(full().Key); err == nil {
		t.Error("what cannot be removed is no error")
	}
	for _, key := range []digest.Digest{"", "../x", "sha256:../../" + digest.Digest(filepath.Base(file))} {
		if err := store.Remove(key); err != nil {
			t.Errorf("removing the record of %q: %v", key, err)
		}
	}
	if _, ok := store.Get(other.Key); !ok {
		t.Error("what has no digest removed another record")
	}
}

// Each field counts.
func TestRecord_Equal(t *testing.T) {
	if !full().Equal(full()) {
		t.Error("a record differs from itself")
	}
	for name, change := range map[string]func(r *record.Record){
		"key":     func(r *record.Record) { r.Key = r.On },
		"on":      func(r *record.Record) { r.On = r.Key },
		"result":  func(r *record.Record) { r.Result = r.Key },
		"no blob": func(r *record.Record) { r.Blob = nil },
		"blob":    func(r *record.Record) { r.Blob.Size++ },
		"ran":     func(r *record.Record) { r.Ran = r.Ran.Add(time.Second) },
		"again":   func(r *record.Record) { r.Again = "x" },
		"network": func(r *record.Record) { r.Network = false },
	} {
		other := full()
		change(&other)
		if full().Equal(other) || other.Equal(full()) {
			t.Errorf("with another %s, it is the same", name)
		}
	}
}

func TestRecord_Valid(t *testing.T) {
	if !full().Valid() {
		t.Error("a record is none")
	}
	hollow := full()
	hollow.Blob, hollow.Ran = nil, time.Time{}
	if !hollow.Valid() {
		t.Error("one without a layer is none")
	}
	for name, change := range map[string]func(r *record.Record){
		"no key":                func(r *record.Record) { r.Key = "" },
		"a key that is a path":  func(r *record.Record) { r.Key = "sha256:../x" },
		"on nothing":            func(r *record.Record) { r.On = "" },
		"no result":             func(r *record.Record) { r.Result = "x" },
		"a blob with no digest": func(r *record.Record) { r.Blob.Digest = "" },
		"a blob without bytes":  func(r *record.Record) { r.Blob.Size = 0 },
		"a blob of less":        func(r *record.Record) { r.Blob.Size = -1 },
	} {
		r := full()
		change(&r)
		if r.Valid() {
			t.Errorf("with %s, it is a record", name)
		}
	}
}

// Whatever a file holds, reading it ends well, and what is believed is what would be written.
func FuzzGet(f *testing.F) {
	f.Add([]byte(`{"key":"x"}`))
	content := sealed(f, full())[sha256.Size:]
	f.Add(content)
	f.Add(bytes.Replace(content, []byte(`"size":7`), []byte(`"size":1e3`), 1))
	f.Add([]byte(`[]`))
	dir, copies := f.TempDir(), record.In(f.TempDir())
	file := filepath.Join(dir, "records.v1", full().Key.Encoded())
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		sum := sha256.Sum256(content) // or nothing gets behind the checksum
		if err := os.WriteFile(file, append(sum[:], content...), 0o600); err != nil {
			t.Fatal(err)
		}
		got, ok := record.In(dir).Get(full().Key)
		if !ok {
			return
		}
		if got.Key != full().Key || got.On.Validate() != nil || got.Result.Validate() != nil || got.Blob != nil && got.Blob.Size <= 0 {
			t.Errorf("%q is believed: %+v", content, got)
		}
		if err := copies.Put(got); err != nil {
			t.Fatal(err)
		}
		if again, ok := copies.Get(got.Key); !ok || !cmp.Equal(got, again) {
			t.Errorf("%q is %+v, and then %+v", content, got, again)
		}
	})
}
