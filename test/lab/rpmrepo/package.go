package rpmrepo

import (
	"fmt"
	"io"
	"time"

	"github.com/google/rpmpack"
)

// Package is what an RPM is made of.
type Package struct {
	Name    string
	Version string
	Release string
	Arch    string // noarch, or RPM's name of an architecture
	Summary string
	License string

	Requires []string // names of packages
	Provides []string // capabilities beside the name
	Files    []File

	Recommends []string // names of packages

	Before string // shell script that runs before the files are installed; a failure stops the transaction
	After  string // shell script that runs after it
}

// File is a file, directory or symbolic link of a package.
type File struct {
	Path   string // absolute
	Mode   uint32 // permission bits
	Owner  string // user, and the group of the same name
	Body   []byte
	Dir    bool
	Target string // of a symbolic link
	Config bool   // kept when a newer package is installed
	Doc    bool   // documentation
}

// FileName is the name that yum repositories use for the package's file.
func (p Package) FileName() string {
	return fmt.Sprintf("%s-%s-%s.%s.rpm", p.Name, p.Version, p.Release, p.Arch)
}

// write writes the package as an RPM whose every time is built.
func (p Package) write(w io.Writer, built time.Time) error {
	rpm, err := rpmpack.NewRPM(p.metadata(built))
	if err != nil {
		return fmt.Errorf("packing %s: %w", p.Name, err)
	}
	for _, f := range p.Files {
		rpm.AddFile(f.rpmFile(built))
	}
	rpm.AddPrein(p.Before)
	rpm.AddPostin(p.After)
	if err := rpm.Write(w); err != nil {
		return fmt.Errorf("packing %s: %w", p.Name, err)
	}
	return nil
}

func (p Package) metadata(built time.Time) rpmpack.RPMMetaData {
	relations := func(names []string) (out rpmpack.Relations) {
		for _, name := range names {
			out = append(out, &rpmpack.Relation{Name: name, Sense: rpmpack.SenseAny})
		}
		return out
	}
	return rpmpack.RPMMetaData{
		Name: p.Name, Version: p.Version, Release: p.Release, Arch: p.Arch,
		Summary: p.Summary, Description: p.Summary, Licence: p.License,
		Requires:   relations(p.Requires),
		Provides:   relations(p.Provides),
		Recommends: relations(p.Recommends),
		BuildTime:  built, BuildHost: "lab.invalid",
		Compressor: "gzip",
	}
}

// File types of RPM's FILEMODES, which are those of stat(2).
const (
	typeDirectory = 0o040000
	typeSymlink   = 0o120000
)

func (f File) rpmFile(built time.Time) rpmpack.RPMFile {
	file := rpmpack.RPMFile{
		Name:  f.Path,
		Body:  f.Body,
		Mode:  uint(f.Mode),
		Owner: f.Owner, Group: f.Owner,
		MTime: uint32(built.Unix()),
	}
	switch {
	case f.Dir:
		file.Mode |= typeDirectory
	case f.Target != "":
		file.Mode |= typeSymlink
		file.Body = []byte(f.Target)
	case f.Config:
		file.Type = rpmpack.ConfigFile | rpmpack.NoReplaceFile
	case f.Doc:
		file.Type = rpmpack.DocFile
	}
	return file
}
