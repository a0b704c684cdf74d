package aptrepo

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"time"
)

// Package is what a .deb is made of. It is for every architecture and has one file, /usr/share/NAME.
type Package struct {
	Name, Version string
	Depends       string
	Provides      string
}

// Catalog returns the packages of the repository: one that needs another, and one that provides what has no package of its own.
func Catalog() []Package {
	return []Package{
		{Name: "lab-tool", Version: "1:2.0-1", Depends: "lab-library"},
		{Name: "lab-library", Version: "1.0-1"},
		{Name: "lab-mail", Version: "3.0", Provides: "lab-transport-agent (= 3), lab-agent"},
	}
}

// fileName is the name of the package's file; an epoch has no place in it.
func (p Package) fileName() string {
	_, version, ok := strings.Cut(p.Version, ":")
	if !ok {
		version = p.Version
	}
	return fmt.Sprintf("%s_%s_all.deb", p.Name, version)
}

// control returns the fields that describe the package.
func (p Package) control() string {
	var b strings.Builder
	for _, field := range [][2]string{
		{"Package", p.Name}, {"Version", p.Version}, {"Architecture", "all"}, {"Maintainer", "Lab <lab@lab.invalid>"},
		{"Depends", p.Depends}, {"Provides", p.Provides}, {"Description", "Stand-in for tests of apt steps"},
	} {
		if field[1] != "" {
			fmt.Fprintf(&b, "%s: %s\n", field[0], field[1])
		}
	}
	return b.String()
}

// deb returns the package's file. See deb(5).
func (p Package) deb(built time.Time) ([]byte, error) {
	control, err := archive(built, "./control", p.control())
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", p.Name, err)
	}
	data, err := archive(built, "./usr/share/"+p.Name, p.Version+"\n")
	if err != nil {
		return nil, fmt.Errorf("packing %s: %w", p.Name, err)
	}
	var b bytes.Buffer
	b.WriteString("!<arch>\n")
	for _, member := range []struct {
		name string
		body []byte
	}{{"debian-binary", []byte("2.0\n")}, {"control.tar.gz", control}, {"data.tar.gz", data}} {
		fmt.Fprintf(&b, "%-16s%-12d%-6d%-6d%-8s%-10d`\n", member.name, built.Unix(), 0, 0, "100644", len(member.body))
		b.Write(member.body)
		if len(member.body)%2 == 1 {
			b.WriteByte('\n')
		}
	}
	return b.Bytes(), nil
}

// archive returns a compressed archive of one file.
func archive(built time.Time, name, body string) ([]byte, error) {
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(body)), ModTime: built, Format: tar.FormatGNU}); err != nil {
		return nil, err
	}
	if _, err := io.WriteString(w, body); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := zipped.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
