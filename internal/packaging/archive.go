package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// A file is one of a release: where it comes from, and where it goes to.
type file struct {
	from, to string
	mode     fs.FileMode
}

// archive writes the archive of a program: all its files in one directory, which has the name of the archive.
func (r *release) archive(p program, licences string) error {
	binary := "pulpimg"
	if p.os == "windows" {
		binary += ".exe"
	}
	files := []file{
		{p.file, binary, 0o755},
		{filepath.Join(r.root, "LICENSE"), "LICENSE", 0o644},
		{licences, "THIRD-PARTY", 0o644},
		{filepath.Join(r.root, "README.md"), "README.md", 0o644},
		{filepath.Join(r.root, "CHANGELOG.md"), "CHANGELOG.md", 0o644},
	}
	for _, shell := range shells() {
		files = append(files, file{r.scripts[shell], "completions/" + completionName(shell), 0o644})
	}
	pages, err := names(r.man)
	if err != nil {
		return err
	}
	for _, page := range pages {
		files = append(files, file{filepath.Join(r.man, page), "man/" + page, 0o644})
	}
	if p.os == "linux" {
		files = append(files, file{filepath.Join(r.root, profile), "apparmor/pulpimg", 0o644})
	}
	name := "pulpimg_" + r.version + "_" + p.os + "_" + p.arch
	for i := range files {
		files[i].to = name + "/" + files[i].to
	}
	if p.os == "windows" {
		return r.create(name+".zip", func(f *os.File) error { return r.zip(f, files) })
	}
	return r.create(name+".tar.gz", func(f *os.File) error { return r.tar(f, files) })
}

// completionName is the name that a shell looks for.
func completionName(shell string) string {
	switch shell {
	case "zsh":
		return "_pulpimg"
	case "fish":
		return "pulpimg.fish"
	}
	return "pulpimg"
}

func (r *release) tar(out io.Writer, files []file) error {
	packed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(packed)
	for _, f := range files {
		if err := into(f, func(size int64) (io.Writer, error) {
			header := tar.Header{Typeflag: tar.TypeReg, Name: f.to, Size: size, Mode: int64(f.mode), ModTime: r.time, Uname: "root", Gname: "root", Format: tar.FormatPAX}
			return w, w.WriteHeader(&header)
		}); err != nil {
			return err
		}
	}
	return errors.Join(w.Close(), packed.Close())
}

func (r *release) zip(out io.Writer, files []file) error {
	w := zip.NewWriter(out)
	for _, f := range files {
		if err := into(f, func(int64) (io.Writer, error) {
			header := zip.FileHeader{Name: f.to, Method: zip.Deflate, Modified: r.time}
			header.SetMode(f.mode)
			return w.CreateHeader(&header)
		}); err != nil {
			return err
		}
	}
	return w.Close()
}

// into copies a file to where begin says.
func into(f file, begin func(size int64) (io.Writer, error)) error {
	in, err := os.Open(f.from)
	if err != nil {
		return err
	}
	defer in.Close()
	st, err := in.Stat()
	if err != nil {
		return err
	}
	w, err := begin(st.Size())
	if err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return err
}
