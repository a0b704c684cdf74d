package layout_test

import (
	"bufio"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/errdefs"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/layout"
)

// nothingUnfinished checks that a directory holds blobs and nothing else.
func nothingUnfinished(t *testing.T, d *layout.Blobs) {
	t.Helper()
	err := filepath.WalkDir(d.Root(), func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Dir(name) != filepath.Join(d.Root(), "blobs/sha256") {
			t.Errorf("left behind: %s", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// random returns content that is long enough to be written in pieces.
func random() (string, ocispec.Descriptor) {
	var text strings.Builder
	for range 50_000 {
		fmt.Fprintln(&text, rand.Uint64())
	}
	data := text.String()
	return data, ocispec.Descriptor{MediaType: "text/plain", Digest: digest.FromString(data), Size: int64(len(data))}
}

// begin begins to write a blob, as an engine does: under a name that depends on the blob alone.
func begin(t *testing.T, to content.Store, desc ocispec.Descriptor) content.Writer {
	t.Helper()
	w, err := to.Writer(t.Context(), content.WithRef("layer-"+desc.Digest.String()), content.WithDescriptor(desc))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// write writes a piece. It is called from goroutines.
func writeTo(t *testing.T, w content.Writer, data string) {
	t.Helper()
	if _, err := w.Write([]byte(data)); err != nil {
		t.Error(err)
	}
}

func storeOf(t *testing.T, d *layout.Blobs, others ...*layout.Blobs) content.Store {
	t.Helper()
	store, err := d.Store(others...)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func TestStore_twoProcesses(t *testing.T) {
	d := openBlobs(t)
	data, desc := random()
	stores := []content.Store{storeOf(t, d), storeOf(t, reopened(t, d))}
	const piece = 10_000
	first := begin(t, stores[0], desc)
	writeTo(t, first, data[:piece])
	second := begin(t, stores[1], desc)
	if status, err := second.Status(); err != nil || status.Offset != 0 {
		t.Errorf("a writer begins at %d (%v): it goes on with what the other one wrote", status.Offset, err)
	}
	var all sync.WaitGroup
	for w, rest := range map[content.Writer]string{first: data[piece:], second: data} {
		all.Go(func() {
			for rest != "" {
				n := min(len(rest), piece)
				writeTo(t, w, rest[:n])
				rest = rest[n:]
			}
			if err := w.Commit(t.Context(), desc.Size, desc.Digest); err != nil && !errdefs.IsAlreadyExists(err) {
				t.Error(err)
			}
			if err := w.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got, err := content.ReadBlob(t.Context(), stores[0], desc)
	if err != nil || digest.FromBytes(got) != desc.Digest {
		t.Errorf("the blob is not what was written (%v)", err)
	}
	nothingUnfinished(t, d)
}

func TestStore_interrupted(t *testing.T) {
	d := openBlobs(t)
	data, desc := random()
	w := begin(t, storeOf(t, d), desc)
	writeTo(t, w, "something else")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	nothingUnfinished(t, d)
	if err := content.WriteBlob(t.Context(), storeOf(t, d), "name", strings.NewReader(data), desc); err != nil {
		t.Fatal(err)
	}
	if !d.Has(desc) {
		t.Error("the blob is not there")
	}
	nothingUnfinished(t, d)
}

func TestStore_truncatedBlob(t *testing.T) {
	d := openBlobs(t)
	data, desc := random()
	if err := os.WriteFile(d.Path(desc.Digest), []byte("cut short"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := content.WriteBlob(t.Context(), storeOf(t, d), "name", strings.NewReader(data), desc); err != nil {
		t.Fatal(err)
	}
	if !d.Has(desc) {
		t.Error("the blob is still cut short")
	}
}

func TestStore_otherDirectory(t *testing.T) {
	from, to := openBlobs(t), openBlobs(t)
	desc, err := from.Write("text/plain", []byte("content"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storeOf(t, to, from).Writer(t.Context(), content.WithRef("name"), content.WithDescriptor(desc)); !errdefs.IsAlreadyExists(err) {
		t.Errorf("got error %v, want one that tells the engine that the blob is there", err)
	}
	if !to.Has(desc) {
		t.Error("the blob is not there")
	}
}

// role, in the environment, makes the test program write into a directory of blobs until it is killed.
const role = "PULPIMG_TEST_WRITES_INTO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(role); dir != "" {
		if err := writeForEver(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func writeForEver(dir string) error {
	d, err := layout.OpenBlobs(dir)
	if err != nil {
		return err
	}
	own, err := d.Create()
	if err != nil {
		return err
	}
	store, err := d.Store()
	if err != nil {
		return err
	}
	w, err := store.Writer(context.Background(), content.WithRef("name"), content.WithDescriptor(ocispec.Descriptor{Digest: digest.FromString("x"), Size: 1 << 30}))
	if err != nil {
		return err
	}
	for first := true; ; first = false {
		if _, err := own.Write([]byte("content")); err != nil {
			return err
		}
		if _, err := w.Write([]byte("content")); err != nil {
			return err
		}
		if first {
			fmt.Println("it writes")
		}
		time.Sleep(time.Millisecond)
	}
}

// writing starts a process that writes into a directory of blobs, and returns when it does.
func writing(t *testing.T, d *layout.Blobs) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+d.Root())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("the process wrote %q: %v", line, err)
	}
	return cmd
}

// age makes all that is unfinished look as if it had been there for an hour.
func age(t *testing.T, d *layout.Blobs) {
	t.Helper()
	past := time.Now().Add(-time.Hour)
	for _, pattern := range []string{"unfinished/*", "ingest/*"} {
		names, err := filepath.Glob(filepath.Join(d.Root(), pattern))
		if err != nil || len(names) == 0 {
			t.Fatalf("%s: %q, %v", pattern, names, err)
		}
		for _, name := range names {
			if err := os.Chtimes(name, past, past); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestOpen_removesLeftovers(t *testing.T) {
	d := openBlobs(t)
	dead := writing(t, d)
	if err := dead.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = dead.Wait() // it was killed
	age(t, d)
	if _, err := reopened(t, d).Write("text/plain", []byte("content")); err != nil {
		t.Fatal(err)
	}
	nothingUnfinished(t, d)
}

func TestOpen_keepsUnfinished(t *testing.T) {
	d := openBlobs(t)
	writing(t, d)
	age(t, d)
	if _, err := reopened(t, d).Write("text/plain", []byte("content")); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"unfinished/*/blob-*", "ingest/*/data"} {
		if names, err := filepath.Glob(filepath.Join(d.Root(), pattern)); err != nil || len(names) != 1 {
			t.Errorf("of %s there is %q (%v), want what the other process writes", pattern, names, err)
		}
	}
}

// What is damaged in another program's blobs is not read, and stays.
func TestForeignBlobs(t *testing.T) {
	theirs := openBlobs(t)
	data, desc := random()
	foreign := layout.ForeignBlobs(theirs.Root())
	for _, test := range []struct {
		content string
		ok      bool
	}{{data, true}, {strings.Replace(data, "1", "2", 1), false}} {
		if err := os.WriteFile(theirs.Path(desc.Digest), []byte(test.content), 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := layout.ForeignBlobs(theirs.Root()).Open(t.Context(), desc)
		if (err == nil) != test.ok {
			t.Errorf("ok %t: %v", test.ok, err)
		}
		if err == nil {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
		if !foreign.Has(desc) {
			t.Error("it is gone")
		}
	}
}
