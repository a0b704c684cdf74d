package layer

import (
	"archive/tar"
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

// writeFile reads the whole content first, because a tar header holds the size. The files of a layer are scripts, settings and
// small binaries; what is large belongs into packages.
func writeFile(tw *tar.Writer, header *tar.Header, open func() (io.ReadCloser, error)) error {
	r, err := open()
	if err != nil {
		return err
	}
	content, err := io.ReadAll(r)
	if closeErr := r.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	header.Size = int64(len(content))
	if err := tw.WriteHeader(header); err != nil {
		return err
	}
	_, err = tw.Write(content)
	return err
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
