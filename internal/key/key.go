package key

import (
	"crypto/sha256"
	"hash"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/go-digest"
)

// Format is the version of what keys are computed from. It is a part of every key, so keys of two versions are never equal. It has to change
// whenever the same values make another layer: when a script is run in another way, or an entry of a layer is written in another way.
const Format = 1

// A Command is what a step runs.
type Command struct {
	// Script is for /bin/sh; if it is empty, Args are run without a shell.
	Script string
	Args   []string
	// Env is the whole environment of the command, as NAME=VALUE. Of two values of a name, the last counts.
	Env       []string
	Dir, User string
	Secrets   []string // the ids
	NoNetwork bool
	Mounts    []Mount
}

// A Mount is what a command sees at a path. One without an image and without files is in memory.
type Mount struct {
	Path string
	// Image is the key of the image that is mounted, and From a path in it or in the files.
	Image digest.Digest
	From  string
	Files []File
}

// A File is a file that comes from the folder of the spec, or out of the spec.
type File struct {
	Path   string
	Mode   fs.FileMode
	Owner  string
	Target string // of a symbolic link
	SHA256 []byte // of the content of a regular file
}

// A Copy takes files from an image.
type Copy struct {
	// Image is the key of the image.
	Image    digest.Digest
	From, To string
	Into     bool
	Mode     fs.FileMode
	Owner    string
	Exclude  []string
}

// A Directory is one that a step makes or changes.
type Directory struct {
	Path  string
	Mode  fs.FileMode
	Owner string
}

// Base returns the key of an image from outside: the digest of its manifest for a platform.
func Base(manifest digest.Digest) digest.Digest {
	return newWriter("base", "").text(string(manifest)).digest()
}

// Empty returns the key of an image without files, for a platform as people write it.
func Empty(platform string) digest.Digest { return newWriter("scratch", "").text(platform).digest() }

// Digest returns the key of a step that runs the command on an image with the key below.
func (c Command) Digest(below digest.Digest) digest.Digest {
	w := newWriter("command", below)
	w.text(c.Script).list(c.Args).list(environment(c.Env)).text(c.Dir).text(c.User).list(slices.Sorted(slices.Values(c.Secrets)))
	w.text(strconv.FormatBool(!c.NoNetwork))
	w.count(len(c.Mounts))
	for _, m := range c.Mounts {
		w.text(m.Path).text(string(m.Image)).text(m.From).files(m.Files)
	}
	return w.digest()
}

// environment returns the variables of an environment as a process sees them, sorted.
func environment(env []string) []string {
	last := map[string]string{}
	for _, v := range env {
		name, _, _ := strings.Cut(v, "=")
		last[name] = v
	}
	return slices.Sorted(maps.Values(last))
}

// Files returns the key of a step that adds files of the folder and of images.
func Files(below digest.Digest, files []File, copies []Copy) digest.Digest {
	w := newWriter("files", below).files(files)
	w.count(len(copies))
	for _, c := range copies {
		w.text(string(c.Image)).text(c.From).text(c.To).text(strconv.FormatBool(c.Into)).mode(c.Mode).text(c.Owner).list(c.Exclude)
	}
	return w.digest()
}

// Directories returns the key of a step that makes directories.
func Directories(below digest.Digest, dirs []Directory) digest.Digest {
	w := newWriter("directories", below)
	w.count(len(dirs))
	for _, d := range dirs {
		w.text(d.Path).mode(d.Mode).text(d.Owner)
	}
	return w.digest()
}

// Layer returns the key of the layer of a step that adds files: the entries of the layer have the time of a build.
func Layer(step digest.Digest, modified time.Time) digest.Digest {
	return newWriter("layer", step).text(modified.UTC().Format(time.RFC3339Nano)).digest()
}

// Has returns the key of a check: that an image with a key has a file at one of the paths of each list.
func Has(image digest.Digest, needs [][]string) digest.Digest {
	w := newWriter("has", image)
	w.count(len(needs))
	for _, paths := range needs {
		w.list(paths)
	}
	return w.digest()
}

// Run returns a digest that tells one run of a command from other runs with the same key. It covers what the command ran on, and the diff ID of the
// layer that it made. These digests are a second chain beside the keys: a key says what was asked for, and this chain says what was made.
func Run(on, result digest.Digest) digest.Digest {
	return newWriter("run", on).text(string(result)).digest()
}

// Together returns the digest of that chain for a step that uses several images: the image that has the step, and the images that it takes files
// from or mounts. For a single image, it returns the digest of that image.
func Together(first digest.Digest, others ...digest.Digest) digest.Digest {
	if len(others) == 0 {
		return first
	}
	w := newWriter("together", first)
	w.count(len(others))
	for _, other := range others {
		w.text(string(other))
	}
	return w.digest()
}

// A writer writes values so that no two lists of values give the same bytes.
type writer struct{ hash.Hash }

func newWriter(kind string, below digest.Digest) writer {
	return writer{sha256.New()}.text("pulpimg key").text(strconv.Itoa(Format)).text(kind).text(string(below))
}

// text writes a value. A hash takes everything.
func (w writer) text(s string) writer {
	_, _ = w.Write([]byte(strconv.Itoa(len(s)) + ":" + s + ","))
	return w
}

func (w writer) count(n int) writer { return w.text(strconv.Itoa(n)) }

func (w writer) list(values []string) writer {
	w.count(len(values))
	for _, v := range values {
		w.text(v)
	}
	return w
}

// files writes files in the order of their paths: that in which a step names them makes no difference.
func (w writer) files(files []File) writer {
	w.count(len(files))
	sorted := slices.SortedStableFunc(slices.Values(files), func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	for _, f := range sorted {
		w.text(f.Path).mode(f.Mode).text(f.Owner).text(f.Target).text(string(f.SHA256))
	}
	return w
}

// mode writes a mode as tar and chmod know it, with the type of a file in the octal digits of stat(2).
func (w writer) mode(m fs.FileMode) writer { return w.text(strconv.FormatUint(uint64(posix(m)), 8)) }

// posix returns a mode with the bits of inode(7).
func posix(m fs.FileMode) uint32 {
	bits := uint32(m.Perm())
	for flag, bit := range map[fs.FileMode]uint32{
		fs.ModeSetuid: 0o4000, fs.ModeSetgid: 0o2000, fs.ModeSticky: 0o1000, fs.ModeDir: 0o040000, fs.ModeSymlink: 0o120000,
	} {
		if m&flag != 0 {
			bits |= bit
		}
	}
	return bits
}

func (w writer) digest() digest.Digest { return digest.NewDigest(digest.SHA256, w) }
