package rpmrepo

import (
	"fmt"
	"io/fs"
	"strings"
)

// AugeasSources are the Debian packages that Augeas takes the files of.
func AugeasSources() []string { return []string{"augeas-tools", "augeas-lenses", "libaugeas0"} }

// Augeas returns the packages augeas and augeas-libs, as Fedora splits them.
// tree holds the unpacked files of AugeasSources; arch is RPM's name of the
// architecture that they were made for.
func Augeas(tree fs.FS, arch string) ([]Package, error) {
	files, err := treeFiles(tree, func(f File) File {
		if strings.HasPrefix(f.Path, "/usr/bin/") {
			f.Mode = 0o755
		}
		return f
	})
	if err != nil {
		return nil, fmt.Errorf("reading the files of augeas: %w", err)
	}
	tools := Package{
		Name: "augeas", Version: "1.14.0", Release: "1.lab", Arch: arch,
		Summary: "A library for changing configuration files", License: "LGPLv2+",
		Requires: []string{"augeas-libs"},
	}
	libs := Package{
		Name: "augeas-libs", Version: "1.14.0", Release: "1.lab", Arch: arch,
		Summary: "Libraries for augeas", License: "LGPLv2+",
	}
	for _, f := range files {
		switch {
		case strings.HasPrefix(f.Path, "/usr/share/man/"), strings.HasPrefix(f.Path, "/usr/share/doc/"):
		case strings.HasPrefix(f.Path, "/usr/bin/"):
			tools.Files = append(tools.Files, f)
		default:
			libs.Files = append(libs.Files, f)
		}
	}
	if len(tools.Files) == 0 || len(libs.Files) == 0 {
		return nil, fmt.Errorf("reading the files of augeas: %d programs and %d other files", len(tools.Files), len(libs.Files))
	}
	return []Package{tools, libs}, nil
}

// Arch returns RPM's name of an architecture that Go calls arch; yum calls it
// $basearch.
func Arch(arch string) (string, error) {
	switch arch {
	case "amd64":
		return "x86_64", nil
	case "arm64":
		return "aarch64", nil
	}
	return "", fmt.Errorf("the lab does not know what RPM calls the architecture %s", arch)
}
