package layer_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/internal/layer"
)

// A source is a file on disk that counts how often it is opened.
type source struct {
	folder, name string
	info         fs.FileInfo
	opened       *atomic.Int32
}

func (s source) File() (folder, name string, info fs.FileInfo) { return s.folder, s.name, s.info }

// fromDisk returns a file of a folder as it is now.
func fromDisk(t *testing.T, folder, name string, opened *atomic.Int32) layer.File {
	t.Helper()
	info, err := os.Stat(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	s := source{folder, name, info, opened}
	return layer.File{Path: "/" + name, Mode: 0o644, Source: s, Open: func() (io.ReadCloser, error) {
		s.opened.Add(1)
		return os.Open(filepath.Join(folder, name))
	}}
}

// put writes a file that looks as if it had been left alone since yesterday, as far as anybody can make it look so.
func put(t *testing.T, folder, name, content string) {
	t.Helper()
	file := filepath.Join(folder, name)
	past := time.Now().Add(-24 * time.Hour).Truncate(time.Second)
	if err := errors.Join(os.WriteFile(file, []byte(content), 0o644), os.Chtimes(file, past, past)); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, dir string, opts layer.Options, files ...layer.File) layer.Layer {
	t.Helper()
	entries, err := layer.Entries(t.Context(), layer.Empty{}, files)
	if err != nil {
		t.Fatal(err)
	}
	store, err := layer.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	made, err := store.Add(t.Context(), entries, opts)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// contentOf returns the content of a layer's only file.
func contentOf(t *testing.T, dir string, made layer.Layer) string {
	t.Helper()
	store, err := layer.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := os.Open(store.Blobs().Path(made.Blob.Digest))
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	zr, err := gzip.NewReader(blob)
	if err != nil {
		t.Fatal(err)
	}
	tr := tar.NewReader(zr)
	if _, err := tr.Next(); err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(tr)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestAdd_rereadsChangedFiles(t *testing.T) {
	settle := func() { time.Sleep(2100 * time.Millisecond) } // the change time cannot be set
	for _, test := range []struct {
		name   string
		opts   func(*layer.Options)
		before func()
		change func(t *testing.T, folder, dir string)
		opened int32 // by the second addition
		known  bool
		want   string
	}{
		{name: "nothing changed", before: settle, opened: 0, known: true, want: "content"},
		{name: "it was written a moment before", opened: 1, known: true, want: "content"},
		{name: "the same size and time, the first time a moment before", opened: 2, want: "CONTENT",
			change: func(t *testing.T, folder, _ string) { put(t, folder, "file", "CONTENT") }},
		{name: "the same size and time", before: settle, opened: 2, want: "CONTENT",
			change: func(t *testing.T, folder, _ string) { put(t, folder, "file", "CONTENT") }},
		{name: "another file in its place", before: settle, opened: 2, want: "CONTENT", change: func(t *testing.T, folder, _ string) {
			put(t, folder, "new", "CONTENT")
			if err := os.Rename(filepath.Join(folder, "new"), filepath.Join(folder, "file")); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "all is to be read", before: settle, opts: func(o *layer.Options) { o.ReadAll = true }, opened: 1, known: true, want: "content"},
		{name: "the cache is gone", before: settle, opened: 1, known: true, want: "content", change: func(t *testing.T, _, dir string) {
			if err := os.RemoveAll(filepath.Join(dir, "stat")); err != nil {
				t.Fatal(err)
			}
		}},
		{name: "the notes are damaged", before: settle, opened: 1, want: "content", change: func(t *testing.T, _, dir string) {
			for _, pattern := range []string{"keys/*", "gzip-*/*"} {
				names, err := filepath.Glob(filepath.Join(dir, pattern))
				if err != nil || len(names) == 0 {
					t.Fatal(pattern, err)
				}
				for _, name := range names {
					if err := os.WriteFile(name, []byte("damaged"), 0o644); err != nil {
						t.Fatal(err)
					}
				}
			}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			folder, dir := t.TempDir(), t.TempDir()
			put(t, folder, "file", "content")
			if test.before != nil {
				test.before()
			}
			var opened atomic.Int32
			first := add(t, dir, options, fromDisk(t, folder, "file", &opened))
			if opened.Load() != 1 {
				t.Errorf("the file was opened %d times for a new layer", opened.Load())
			}
			opened.Store(0)
			if test.change != nil {
				test.change(t, folder, dir)
			}
			opts := options
			if test.opts != nil {
				test.opts(&opts)
			}
			second := add(t, dir, opts, fromDisk(t, folder, "file", &opened))
			if opened.Load() != test.opened || second.Known != test.known {
				t.Errorf("the file was opened %d times, want %d; the layer was known: %t, want %t", opened.Load(), test.opened, second.Known, test.known)
			}
			if got := contentOf(t, dir, second); got != test.want {
				t.Errorf("the layer holds %q, want %q", got, test.want)
			}
			if same := first.DiffID == second.DiffID; same != (test.want == "content") {
				t.Errorf("it is the same layer: %t", same)
			}
		})
	}
}

// zeros is content that is not on disk and knows its size.
type zeros struct {
	left   int64
	size   int64
	during func()
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.during != nil {
		z.during()
	}
	if z.left == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.left)
	clear(p[:n])
	z.left -= n
	return int(n), nil
}

func (z *zeros) Close() error               { return nil }
func (z *zeros) Stat() (fs.FileInfo, error) { return zerosInfo{size: z.size}, nil }

type zerosInfo struct {
	fs.FileInfo
	size int64
}

func (i zerosInfo) Size() int64        { return i.size }
func (i zerosInfo) ModTime() time.Time { return epoch }

func large(path string, size int64, during func()) layer.File {
	return layer.File{Path: path, Mode: 0o644, Open: func() (io.ReadCloser, error) { return &zeros{left: size, size: size, during: during}, nil }}
}

func TestAdd_memory(t *testing.T) {
	const size = 128 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	add(t, t.TempDir(), options, large("/large", size, nil))
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > size/8 {
		t.Errorf("it took %d MB of memory for a file of %d MB", took>>20, size>>20)
	}
}

func TestAdd_interrupted(t *testing.T) {
	interrupted := errors.New("interrupted")
	for _, test := range []struct {
		name string
		at   int32 // which read
	}{{"while it is hashed", 2}, {"while it is written", 400}} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			var reads atomic.Int32
			f := large("/large", 64<<20, func() {
				if reads.Add(1) == test.at {
					cancel(interrupted)
				}
			})
			entries, err := layer.Entries(ctx, layer.Empty{}, []layer.File{f})
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			store, err := layer.OpenStore(dir)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Add(ctx, entries, options); !errors.Is(err, interrupted) {
				t.Errorf("got error %v, want the cause of the context's end", err)
			}
			if reads.Load() > test.at+1 {
				t.Errorf("%d more reads after the context's end", reads.Load()-test.at)
			}
			if left, err := os.ReadDir(filepath.Join(dir, "unfinished")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("left behind: %v, %v", left, err)
			}
		})
	}
}

func TestAdd_boundsConcurrency(t *testing.T) {
	store, err := layer.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var now, most atomic.Int32
	var all sync.WaitGroup
	for i := range 8 * runtime.GOMAXPROCS(0) {
		f := layer.File{Path: fmt.Sprintf("/%d", i), Mode: 0o644, Open: func() (io.ReadCloser, error) {
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			defer now.Add(-1)
			time.Sleep(5 * time.Millisecond)
			return io.NopCloser(strings.NewReader("content")), nil
		}}
		entries, err := layer.Entries(t.Context(), layer.Empty{}, []layer.File{f})
		if err != nil {
			t.Fatal(err)
		}
		all.Go(func() {
			if _, err := store.Add(t.Context(), entries, options); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if most, processors := int(most.Load()), runtime.GOMAXPROCS(0); most > processors {
		t.Errorf("%d layers at a time on %d processors", most, processors)
	}
}

func TestAdd_writesSharedLayerOnce(t *testing.T) {
	folder := t.TempDir()
	put(t, folder, "file", "content")
	store, err := layer.OpenStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var written atomic.Int32
	var opened atomic.Int32
	entries, err := layer.Entries(t.Context(), layer.Empty{}, []layer.File{fromDisk(t, folder, "file", &opened)})
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			made, err := store.Add(t.Context(), entries, options)
			if err != nil {
				t.Error(err)
			}
			if !made.Known {
				written.Add(1)
			}
		})
	}
	all.Wait()
	if written.Load() != 1 {
		t.Errorf("the layer was written %d times", written.Load())
	}
}

func TestAdd_extendedAttributes(t *testing.T) {
	attributes := map[string][]byte{
		"user.owner": []byte("somebody"), "system.posix_acl_default": {2, 0, 0, 0, 1, 0}, "security.capability": {0, 1},
		"security.selinux": []byte("of this machine"), "trusted.overlay.opaque": []byte("y"),
	}
	image := tree{"/data": layer.Info{Mode: fs.ModeDir | 0o755, Xattrs: layer.Portable(attributes)}}
	entries, err := layer.Entries(t.Context(), image, []layer.File{file("/data/x", "x")})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	store, err := layer.OpenStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	made, err := store.Add(t.Context(), entries, options)
	if err != nil {
		t.Fatal(err)
	}
	blob, err := os.Open(store.Blobs().Path(made.Blob.Digest))
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close()
	zr, err := gzip.NewReader(blob)
	if err != nil {
		t.Fatal(err)
	}
	header, err := tar.NewReader(zr).Next()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"SCHILY.xattr.user.owner": "somebody", "SCHILY.xattr.system.posix_acl_default": "\x02\x00\x00\x00\x01\x00", "SCHILY.xattr.security.capability": "\x00\x01",
	}
	if diff := cmp.Diff(want, header.PAXRecords); diff != "" || header.Name != "data/" {
		t.Errorf("the records of %s (-want +got):\n%s", header.Name, diff)
	}
	other := tree{"/data": layer.Info{Mode: fs.ModeDir | 0o755}}
	plain, err := layer.Entries(t.Context(), other, []layer.File{file("/data/x", "x")})
	if err != nil {
		t.Fatal(err)
	}
	if again, err := store.Add(t.Context(), plain, options); err != nil || again.DiffID == made.DiffID {
		t.Errorf("without the attributes it is the same layer (%v)", err)
	}
}
