package statcache

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pulpimg/pulpimg/internal/cachedir"
)

// racy is how long a file must be unchanged before it is read, so that its stamp shows the next change. Of the reliable file systems, ext3
// has the coarsest times: a second.
const racy = 2 * time.Second

// A Sum is the SHA-256 digest of a file's content.
type Sum [sha256.Size]byte

// An Answer is what a cache knows of a file.
type Answer int

const (
	// Unknown is a file without an entry.
	Unknown Answer = iota
	// Changed is a file that has changed, or may have.
	Changed
	// Same is a file whose content is as it was.
	Same
)

// An entry is what a cache knows of one file.
type entry struct {
	stamp   Stamp
	sum     Sum
	read    int64 // when the file was read, in nanoseconds
	trusted bool  // the next change changes the stamp
	used    bool  // it was looked up or recorded; this is not kept
}

// A Cache knows files below one folder. Several goroutines may use it at once, and several processes may have one for the same folder.
type Cache struct {
	file   string // where it is kept
	folder string
	now    func() time.Time

	mu      sync.Mutex
	entries map[string]entry
	changed bool // since it was loaded or saved
	foreign bool // the file is not of this format and stays as it is
}

// Open loads the cache in a directory for the files of a folder, whose path is absolute.
func Open(dir, folder string) *Cache { return open(dir, folder, time.Now) }

func open(dir, folder string, now func() time.Time) *Cache {
	sum := sha256.Sum256([]byte(folder))
	c := &Cache{
		file:   filepath.Join(dir, hex.EncodeToString(sum[:12])),
		folder: folder,
		now:    now,
	}
	c.entries, c.foreign = load(c.file)
	if !c.foreign {
		cachedir.MarkUsed(c.file)
	}
	return c
}

// Lookup returns the digest of a file whose stamp has not changed. The name is relative to the folder.
func (c *Cache) Lookup(name string, s Stamp) (Sum, Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[name]
	if !ok {
		return Sum{}, Unknown
	}
	if !e.used {
		e.used = true
		c.entries[name] = e
	}
	if !e.trusted || e.stamp != s || e.read > c.now().UnixNano() { // the last is a clock that was set back
		return Sum{}, Changed
	}
	return e.sum, Same
}

// A Reading is a file that is being read.
type Reading struct {
	cache *Cache
	name  string
	file  *os.File
	began time.Time
	stamp Stamp
	ok    bool
}

// Begin is called before the content of an open file is read.
func (c *Cache) Begin(name string, f *os.File) Reading {
	r := Reading{cache: c, name: name, file: f, began: c.now()}
	r.stamp, r.ok = fileStamp(f)
	return r
}

// End is called with the digest of all that was read.
func (r Reading) End(sum Sum) {
	after, ok := fileStamp(r.file)
	if !ok || !r.ok {
		return
	}
	c := r.cache
	c.mu.Lock()
	defer c.mu.Unlock()
	began := r.began.UnixNano()
	c.entries[r.name] = entry{
		stamp:   after,
		sum:     sum,
		read:    began,
		trusted: r.stamp == after && after.settled(began) && reliable(r.file),
		used:    true,
	}
	c.changed = true
}

func fileStamp(f *os.File) (Stamp, bool) {
	info, err := f.Stat()
	if err != nil {
		return Stamp{}, false
	}
	return StampOf(info)
}

// Save writes the entries to disk. It keeps entries that another process has saved since. Entries that nobody asked for stay as long as
// their file is unchanged.
func (c *Cache) Save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.changed || c.foreign {
		return nil
	}
	all, foreign := load(c.file)
	if c.foreign = foreign; foreign {
		return nil
	}
	for name, e := range c.entries {
		if e.used {
			all[name] = e
		}
	}
	maps.DeleteFunc(all, func(name string, e entry) bool { return !e.used && !c.there(name, e) })
	if err := save(c.file, all); err != nil {
		return err
	}
	c.entries, c.changed = all, false
	return nil
}

// there reports whether a file is the one that an entry is about.
func (c *Cache) there(name string, e entry) bool {
	info, err := os.Stat(filepath.Join(c.folder, name))
	if err != nil {
		return false
	}
	s, ok := StampOf(info)
	return ok && s == e.stamp
}
