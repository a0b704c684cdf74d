package build

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/pulpimg/pulpimg/internal/ctxreader"
	"github.com/pulpimg/pulpimg/internal/layer"
	"github.com/pulpimg/pulpimg/internal/llb"
)

// A spool is a temporary file with the contents of the files that came from the engine as one stream, one after the other.
type spool struct {
	file *os.File
	size int64
}

// newSpool makes a spool in a directory. It has no name there, so it goes with the process at the latest.
func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "spool-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &spool{file: f}, nil
}

// Close removes the spool.
func (s *spool) Close() error { return s.file.Close() }

// opener returns a function that opens a content of the spool.
func (s *spool) opener(offset, size int64) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		if s == nil {
			return nil, errors.New("its content was not taken") // a layer that is known needs no content
		}
		return io.NopCloser(io.NewSectionReader(s.file, offset, size)), nil
	}
}

// add adds a content and returns its offset and digest.
func (s *spool) add(ctx context.Context, r io.Reader, size int64) (offset int64, sum []byte, err error) {
	offset = s.size
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(io.NewOffsetWriter(s.file, offset), hash), ctxreader.New(ctx, r))
	s.size += n
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	return offset, hash.Sum(nil), err
}

// A stream is what an engine sends of files of images: a tar archive in which the directory llb.Taken has each match by its number.
type stream struct {
	spool   *spool
	matches []takenMatch
	links   map[string]place // by the name in the archive, the files that others may be hard links of
	groups  int
	count   int
}

// A place is where a file is among the matches.
type place struct{ match, file int }

// read reads the archive. The matches are those that were asked for; each has its own description, and gets what is below it.
func (s *stream) read(ctx context.Context, r io.Reader) error {
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading what the engine sent: %w", err)
		}
		if err := s.entry(ctx, header, archive); err != nil {
			return err
		}
	}
}

// entry takes in one entry of the archive.
func (s *stream) entry(ctx context.Context, h *tar.Header, content io.Reader) error {
	name := strings.Trim(path.Clean("/"+h.Name), "/")
	below, ok := strings.CutPrefix(name, strings.Trim(llb.Taken, "/")+"/")
	if !ok {
		return nil // the directory itself, and what is above it
	}
	number, below, _ := strings.Cut(below, "/")
	match, err := strconv.Atoi(number)
	if err != nil || match < 0 || match >= len(s.matches) {
		return fmt.Errorf("reading what the engine sent: it has a file %q, which was not asked for", h.Name)
	}
	m := &s.matches[match]
	if below == "" && m.isDir() {
		return nil // its description is known
	}
	file, err := s.file(ctx, h, below, content)
	if err != nil {
		return fmt.Errorf("%s: %w", path.Join(string(m.Name), below), err)
	}
	if file.Mode.IsRegular() {
		s.links[name] = place{match, len(m.Files)}
	}
	if s.count++; s.count > maxTaken {
		return fmt.Errorf("there are more than %d files: leave some of them out of the image, or take a directory below", maxTaken)
	}
	m.Files = append(m.Files, file)
	return nil
}

// maxTaken bounds the files of one copy, which are listed in memory.
const maxTaken = 1_000_000

// file returns the description of an entry of the archive, and puts its content into the spool.
func (s *stream) file(ctx context.Context, h *tar.Header, below string, content io.Reader) (takenFile, error) {
	if problem := unfit(below); problem != "" {
		return takenFile{}, errors.New(problem)
	}
	mode := h.FileInfo().Mode()
	f := takenFile{Path: []byte(below), savedFile: savedFile{Mode: mode, UID: h.Uid, GID: h.Gid}}
	xattrs := map[string][]byte{}
	for key, value := range h.PAXRecords {
		if name, ok := strings.CutPrefix(key, layer.XattrRecord); ok {
			xattrs[name] = []byte(value)
		}
	}
	for name, value := range layer.Portable(xattrs) {
		f.Xattrs = append(f.Xattrs, savedXattr{Name: []byte(name), Value: []byte(value)})
	}
	var err error
	switch h.Typeflag {
	case tar.TypeDir:
	case tar.TypeSymlink:
		f.Mode, f.Target = fs.ModeSymlink|0o777, []byte(h.Linkname)
	case tar.TypeReg:
		f.Size = h.Size
		f.offset, f.SHA256, err = s.spool.add(ctx, content, h.Size)
	case tar.TypeLink:
		return s.link(f, h.Linkname)
	case tar.TypeChar, tar.TypeBlock, tar.TypeFifo: // an error, unless they are left out
	default:
		return takenFile{}, fmt.Errorf("the engine sent an entry of the unknown type %q", h.Typeflag)
	}
	return f, err
}

// link returns the description of a hard link, which is that of the file that came before.
func (s *stream) link(f takenFile, to string) (takenFile, error) {
	at, ok := s.links[strings.Trim(path.Clean("/"+to), "/")]
	if !ok {
		return takenFile{}, fmt.Errorf("it is a hard link of %s, which the engine did not send", to)
	}
	first := &s.matches[at.match].Files[at.file]
	if first.Links == 0 {
		s.groups++
		first.Links = s.groups
	}
	linked := *first
	linked.Path = f.Path
	return linked, nil
}

// unfit says why a layer cannot hold a path, or nothing.
func unfit(name string) string {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".wh.") {
			return "its name begins with .wh., by which layers delete files"
		}
	}
	return ""
}
