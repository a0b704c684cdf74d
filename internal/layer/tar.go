package layer

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/pulpimg/pulpimg/internal/ctxreader"
	"github.com/pulpimg/pulpimg/internal/statcache"
)

// writeTar writes the entries as a layer: every entry has the same modification time and no name of a user or group.
// https://github.com/opencontainers/image-spec/blob/main/layer.md
func (a *addition) writeTar(ctx context.Context, w io.Writer) error {
	tw := tar.NewWriter(w)
	buffer := make([]byte, bufferSize)
	for i, e := range a.entries {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := a.writeEntry(ctx, tw, i, buffer); err != nil {
			return fmt.Errorf("putting %s into its layer: %w", e.Path, err)
		}
	}
	return tw.Close()
}

func (a *addition) writeEntry(ctx context.Context, tw *tar.Writer, i int, buffer []byte) error {
	e := a.entries[i]
	header := &tar.Header{
		Name:    strings.TrimPrefix(e.Path, "/"),
		Mode:    permissions(e.Mode),
		Uid:     e.UID,
		Gid:     e.GID,
		ModTime: a.opts.ModTime,
		Format:  tar.FormatPAX,
	}
	for name, value := range e.Xattrs {
		if header.PAXRecords == nil {
			header.PAXRecords = map[string]string{}
		}
		header.PAXRecords[XattrRecord+name] = value
	}
	switch {
	case e.Mode.IsDir():
		header.Typeflag = tar.TypeDir
		header.Name += "/"
		return tw.WriteHeader(header)
	case e.Mode&fs.ModeSymlink != 0:
		header.Typeflag = tar.TypeSymlink
		header.Linkname = e.Target
		header.Mode = 0o777
		return tw.WriteHeader(header)
	}
	if e.Link != "" {
		header.Typeflag = tar.TypeLink
		header.Linkname = strings.TrimPrefix(e.Link, "/")
		return tw.WriteHeader(header)
	}
	header.Typeflag = tar.TypeReg
	return a.writeFile(ctx, tw, header, i, buffer)
}

// XattrRecord begins the name of a PAX record with an extended attribute. All tools that unpack layers know it.
const XattrRecord = "SCHILY.xattr."

// writeFile writes a regular file. The tar header needs the size. The size of a file is known, as that of an entry may be; other content is
// read into memory to find it.
func (a *addition) writeFile(ctx context.Context, tw *tar.Writer, header *tar.Header, i int, buffer []byte) (err error) {
	r, err := a.entries[i].Open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	end := a.store.begin(a.entries[i].Source, r)
	before, err := stat(r)
	if err != nil {
		return err
	}
	from := io.Reader(r)
	if known := a.entries[i].Known; known != nil {
		header.Size = known.Size
	} else if header.Size = before.size; before.size < 0 {
		data, err := io.ReadAll(ctxreader.New(ctx, r))
		if err != nil {
			return err
		}
		header.Size, from = int64(len(data)), bytes.NewReader(data)
	}
	if err := tw.WriteHeader(header); err != nil {
		return err
	}
	hash := sha256.New()
	copied, err := io.CopyBuffer(io.MultiWriter(tw, hash), ctxreader.New(ctx, from), buffer)
	if errors.Is(err, tar.ErrWriteTooLong) || err == nil && copied < header.Size {
		return errChanged
	}
	if err != nil {
		return err
	}
	sum := statcache.Sum(hash.Sum(nil))
	after, err := stat(r)
	if err != nil {
		return err
	}
	if known := a.contents[i]; after != before || known.read && known.sum != sum {
		return errChanged
	}
	a.contents[i] = content{sum: sum, size: copied, known: true, read: true}
	end(sum)
	return nil
}

// errChanged reports that a file changed while it was read.
var errChanged = errors.New("the file changed while it was read: try again")

// A state is the part of a file's information that changes with the content.
type state struct {
	size     int64 // -1 if it is unknown: of a content that is no file, and of files like those of proc(5)
	modified time.Time
}

func stat(r io.Reader) (state, error) {
	f, ok := r.(fs.File)
	if !ok {
		return state{size: -1}, nil
	}
	info, err := f.Stat()
	if err != nil {
		return state{}, err
	}
	return state{size: cmp.Or(info.Size(), -1), modified: info.ModTime()}, nil
}

// permissions returns the permission bits in the form of tar and stat(2).
func permissions(m fs.FileMode) int64 {
	p := int64(m.Perm())
	if m&fs.ModeSetuid != 0 {
		p |= 0o4000
	}
	if m&fs.ModeSetgid != 0 {
		p |= 0o2000
	}
	if m&fs.ModeSticky != 0 {
		p |= 0o1000
	}
	return p
}
