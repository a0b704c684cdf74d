package layer

import (
	"archive/tar"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"
)

// writeTar writes entries as a layer: every entry has the same modification time and no name of a user or group.
// https://github.com/opencontainers/image-spec/blob/main/layer.md
func writeTar(w io.Writer, entries []Entry, modTime time.Time) error {
	tw := tar.NewWriter(w)
	for _, e := range entries {
		if err := writeEntry(tw, e, modTime); err != nil {
			return fmt.Errorf("putting %s into its layer: %w", e.Path, err)
		}
	}
	return tw.Close()
}

func writeEntry(tw *tar.Writer, e Entry, modTime time.Time) error {
	header := &tar.Header{
		Name:    strings.TrimPrefix(e.Path, "/"),
		Mode:    permissions(e.Mode),
		Uid:     e.UID,
		Gid:     e.GID,
		ModTime: modTime,
		Format:  tar.FormatPAX,
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
	header.Typeflag = tar.TypeReg
	return writeFile(tw, header, e.Open)
}

// writeFile writes a regular file. A tar header holds the size: a file is asked for it, and any other content is read first.
func writeFile(tw *tar.Writer, header *tar.Header, open func() (io.ReadCloser, error)) (err error) {
	r, err := open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	content := io.Reader(r)
	if header.Size, err = size(r); err != nil {
		return err
	}
	if header.Size < 0 {
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		header.Size, content = int64(len(data)), bytes.NewReader(data)
	}
	if err := tw.WriteHeader(header); err != nil {
		return err
	}
	written, err := io.Copy(tw, content)
	if errors.Is(err, tar.ErrWriteTooLong) || err == nil && written < header.Size {
		return errChanged
	}
	return err
}

// errChanged says that a layer's files are not what they were a moment ago.
var errChanged = errors.New("a file changed while it was read: try again")

// size returns the size of a file, and -1 for what is none, or does not know its size, like the files of proc(5).
func size(r io.Reader) (int64, error) {
	f, ok := r.(fs.File)
	if !ok {
		return -1, nil
	}
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return cmp.Or(info.Size(), -1), nil
}

// permissions returns the permission bits as tar holds them, which is as stat(2) does.
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
