package statcache

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A bed is a folder with a file, a cache for it, and a clock that the test sets.
type bed struct {
	*testing.T
	dir, folder string
	clock       time.Time
}

const name = "file"

func newBed(t *testing.T) *bed {
	b := &bed{T: t, dir: filepath.Join(t.TempDir(), "cache"), folder: t.TempDir()}
	b.write("content")
	b.clock = time.Now().Add(time.Minute) // the file has been left alone for as long
	return b
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) path() string { return filepath.Join(b.folder, name) }

func (b *bed) write(content string) {
	b.Helper()
	b.must(os.WriteFile(b.path(), []byte(content), 0o644))
}

func (b *bed) open() *Cache { return open(b.dir, b.folder, func() time.Time { return b.clock }) }

// look returns what a cache that was just loaded knows of the file.
func (b *bed) look() Answer {
	b.Helper()
	info, err := os.Stat(b.path())
	b.must(err)
	s, ok := StampOf(info)
	if !ok {
		b.Fatal("the file has no stamp")
	}
	sum, answer := b.open().Lookup(name, s)
	if content, err := os.ReadFile(b.path()); answer == Same && (err != nil || sum != sha256.Sum256(content)) {
		b.Errorf("the digest is that of another content (%v)", err)
	}
	return answer
}

// read reads the file and saves what is known of it. The function in between is called while it is read.
func (b *bed) read(between func()) {
	b.Helper()
	c := b.open()
	f, err := os.Open(b.path())
	b.must(err)
	defer f.Close()
	reading := c.Begin(name, f)
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	b.must(err)
	if between != nil {
		between()
	}
	reading.End(Sum(hash.Sum(nil)))
	b.must(c.Save())
}

func TestLookup(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(b *bed) // before the file is read
		during func(b *bed)
		after  func(b *bed)
		want   Answer
	}{
		{name: "nothing changed", want: Same},
		{name: "another content", after: func(b *bed) { b.write("other") }, want: Changed},
		{name: "another content of the same size, with the old modification time", want: Changed, after: func(b *bed) {
			info, err := os.Stat(b.path())
			b.must(err)
			time.Sleep(20 * time.Millisecond) // a tick of the file system's clock
			b.write("CONTENT")
			b.must(os.Chtimes(b.path(), time.Time{}, info.ModTime()))
		}},
		{name: "another file of the same size and modification time in its place", want: Changed, after: func(b *bed) {
			info, err := os.Stat(b.path())
			b.must(err)
			b.must(os.WriteFile(b.path()+".new", []byte("CONTENT"), 0o644))
			b.must(os.Chtimes(b.path()+".new", time.Time{}, info.ModTime()))
			b.must(os.Rename(b.path()+".new", b.path()))
		}},
		{name: "another mode", after: func(b *bed) { b.must(os.Chmod(b.path(), 0o755)) }, want: Changed},
		{name: "read while the file system's clock may not have ticked since the last change", before: func(b *bed) { b.clock = time.Now() }, want: Changed},
		{name: "a modification time that is still to come", want: Changed, before: func(b *bed) {
			b.must(os.Chtimes(b.path(), time.Time{}, b.clock.Add(time.Hour)))
		}},
		{name: "a clock that was set back", after: func(b *bed) { b.clock = b.clock.Add(-time.Second) }, want: Changed},
		{name: "a file that changes while it is read", during: func(b *bed) { b.write("CONTENT") }, want: Changed},
		{name: "a file that was never read", after: func(b *bed) { b.must(os.RemoveAll(b.dir)) }, want: Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := newBed(t)
			call := func(f func(*bed)) {
				if f != nil {
					f(b)
				}
			}
			call(test.before)
			b.read(func() { call(test.during) })
			call(test.after)
			if got := b.look(); got != test.want {
				t.Errorf("got answer %d, want %d", got, test.want)
			}
		})
	}
}

// proc keeps no inodes or change times that mean anything, like many file systems that are not on a disk.
func TestLookup_unreliableFileSystem(t *testing.T) {
	b := newBed(t)
	b.folder = "/proc/sys/kernel"
	c := b.open()
	f, err := os.Open("/proc/sys/kernel/ostype")
	b.must(err)
	defer f.Close()
	stamp, _ := fileStamp(f)
	b.clock = b.clock.Add(time.Hour)
	c.Begin("ostype", f).End(Sum{})
	if _, got := c.Lookup("ostype", stamp); got != Changed {
		t.Errorf("got answer %d, want %d", got, Changed)
	}
}

func TestLoad_damaged(t *testing.T) {
	b := newBed(t)
	b.read(nil)
	file := b.open().file
	whole, err := os.ReadFile(file)
	b.must(err)
	for at := range whole {
		damaged := append([]byte{}, whole...)
		damaged[at] ^= 0x10
		for _, data := range [][]byte{damaged, whole[:at]} {
			b.must(os.WriteFile(file, data, 0o644))
			if got := b.look(); got != Unknown {
				t.Fatalf("byte %d of %d: got answer %d of a damaged cache", at, len(whole), got)
			}
		}
	}
	b.must(os.WriteFile(file, whole[:len(whole)-1], 0o644))
	b.read(nil)
	if got := b.look(); got != Same {
		t.Errorf("a damaged cache stays: got answer %d", got)
	}
}

func TestSave_otherFormat(t *testing.T) {
	b := newBed(t)
	file := b.open().file
	b.must(os.MkdirAll(filepath.Dir(file), 0o755))
	other := strings.Replace(header, "1", "2", 1) + strings.Repeat("x", 100)
	b.must(os.WriteFile(file, []byte(other), 0o644))
	b.read(nil)
	if got, err := os.ReadFile(file); err != nil || string(got) != other {
		t.Errorf("the cache of another format is now %q (%v)", got, err)
	}
}

func TestSave_severalProcesses(t *testing.T) {
	b := newBed(t)
	for _, n := range []string{"a", "b"} {
		b.must(os.WriteFile(filepath.Join(b.folder, n), []byte(n), 0o644))
	}
	caches := map[string]*Cache{"a": b.open(), "b": b.open()}
	var all sync.WaitGroup
	for n, c := range caches {
		f, err := os.Open(filepath.Join(b.folder, n))
		b.must(err)
		defer f.Close()
		c.Begin(n, f).End(Sum{})
	}
	b.must(caches["a"].Save())
	b.must(caches["b"].Save())
	if known := b.open().entries; len(known) != 2 {
		t.Errorf("%d entries, want those of both", len(known))
	}
	for i := range 8 { // at once: any one of them may be the last, and none is damaged
		all.Go(func() {
			c := b.open()
			f, err := os.Open(b.path())
			if err != nil {
				t.Error(err)
				return
			}
			defer f.Close()
			c.Begin(fmt.Sprint(i), f).End(Sum{})
			if err := c.Save(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if known := b.open().entries; len(known) < 3 {
		t.Errorf("%d entries: the cache is damaged", len(known))
	}
}

func TestSave_removedFiles(t *testing.T) {
	b := newBed(t)
	b.read(nil)
	b.must(os.Rename(b.path(), b.path()+".old"))
	other := filepath.Join(b.folder, "other")
	b.must(os.WriteFile(other, nil, 0o644))
	c := b.open()
	f, err := os.Open(other)
	b.must(err)
	defer f.Close()
	c.Begin("other", f).End(Sum{})
	b.must(c.Save())
	if known := b.open().entries; len(known) != 1 {
		t.Errorf("%d entries, want the one of the file that is there", len(known))
	}
}

func TestSave_removesUnusedCaches(t *testing.T) {
	b := newBed(t)
	b.read(nil)
	unused := filepath.Join(b.dir, "unused")
	b.must(os.WriteFile(unused, nil, 0o644))
	past := time.Now().AddDate(0, -2, 0)
	b.must(os.Chtimes(unused, past, past))
	b.must(os.Chtimes(b.open().file, past, past))
	if got := b.look(); got != Same {
		t.Errorf("got answer %d of a cache that was not used for long", got)
	}
	b.write("other")
	b.read(nil)
	if _, err := os.Stat(unused); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it is still there: %v", err)
	}
	if got := b.look(); got == Unknown {
		t.Error("the cache in use is gone")
	}
}

func TestStampOf(t *testing.T) {
	b := newBed(t)
	info, err := os.Stat(b.path())
	b.must(err)
	s, ok := StampOf(info)
	stat := info.Sys().(*syscall.Stat_t)
	if want := (Stamp{7, info.ModTime().UnixNano(), stat.Ctim.Nano(), stat.Dev, stat.Ino, stat.Mode}); !ok || s != want {
		t.Errorf("got %+v, %t, want %+v", s, ok, want)
	}
}

func BenchmarkOpen_50000(b *testing.B) {
	dir, folder := b.TempDir(), b.TempDir()
	c := Open(dir, folder)
	for i := range 50_000 {
		name := fmt.Sprintf("some/directory/of/many/file-%d", i)
		c.entries[name] = entry{trusted: true, used: true}
	}
	c.changed = true
	if err := c.Save(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if len(Open(dir, folder).entries) != 50_000 {
			b.Fatal("the cache was not loaded")
		}
	}
}
