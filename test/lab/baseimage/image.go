package baseimage

import (
	_ "embed"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// image makes the image that fedora:20 and centos:7 are based on of its one layer.
func (r recipe) image(layer v1.Layer) (v1.Image, error) {
	return newImage(r.Platform, r.Config, mutate.Addendum{Layer: layer, History: history("#(nop) ADD file:stand-in.tar in /")})
}

// yum is a program with the rules of yum 3, which Debian does not have.
//
//go:embed assets/yum
var yum string

// Fedora returns the image that stands in for fedora:20: base, and on top of it
// yum in place of the link to dnf. It is a layer of its own because base takes
// long to make.
func Fedora(base v1.Image) (v1.Image, error) {
	program := file("usr/bin/yum", yum)
	program.header.Mode = 0o755
	layer, err := newLayer([]entry{directory("usr", 0o755), directory("usr/bin", 0o755), program})
	if err != nil {
		return nil, err
	}
	img, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: history("#(nop) ADD file:yum in /usr/bin")})
	if err != nil {
		return nil, fmt.Errorf("making fedora:20: %w", err)
	}
	return img, nil
}

// CentOS returns the image that stands in for centos:7: fedora:20, and on top
// of it the release number and the repository file that a spec has to replace.
func CentOS(base v1.Image) (v1.Image, error) {
	layer, err := newLayer([]entry{
		directory("etc", 0o755),
		directory("etc/dnf", 0o755),
		directory("etc/dnf/vars", 0o755),
		file("etc/dnf/vars/releasever", "7\n"),
		directory("etc/yum.repos.d", 0o755),
		file("etc/yum.repos.d/CentOS-Base.repo", centosRepo),
	})
	if err != nil {
		return nil, err
	}
	img, err := mutate.Append(base, mutate.Addendum{Layer: layer, History: history("#(nop) ADD file:CentOS-Base.repo in /")})
	if err != nil {
		return nil, fmt.Errorf("making centos:7: %w", err)
	}
	return img, nil
}

// centosRepo names a server that does not answer, as the real file's mirrors
// no longer do: whoever does not replace it sees the package manager fail.
const centosRepo = `[base]
name=CentOS-$releasever - Base (mirrors are gone)
baseurl=http://127.0.0.1:1/centos/$releasever/os/$basearch/
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-CentOS-7
`

// Platforms are the platforms that Files has an image for.
func Platforms() []v1.Platform {
	return []v1.Platform{
		{OS: "linux", Architecture: "amd64"},
		{OS: "linux", Architecture: "arm64"},
		{OS: "linux", Architecture: "386"},
	}
}

// Files returns the image index files:1: an image of a few files for each of
// Platforms, with the directories that are easily broken.
func Files() (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	for _, platform := range Platforms() {
		img, err := filesImage(platform.Architecture)
		if err != nil {
			return nil, err
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{Platform: &platform}})
	}
	return index, nil
}

func filesImage(arch string) (v1.Image, error) {
	layer, err := newLayer([]entry{
		directory("etc", 0o755),
		file("etc/os-release", "ID=files\nVERSION_ID=1\nVARIANT_ID="+arch+"\n"),
		symlink("lib", "usr/lib"),
		directory("run", 0o755),
		directory("tmp", 0o1777),
		directory("usr", 0o755),
		directory("usr/lib", 0o755),
		directory("var", 0o755),
		symlink("var/run", "/run"),
	})
	if err != nil {
		return nil, err
	}
	return newImage(arch, v1.Config{}, mutate.Addendum{Layer: layer, History: history("#(nop) ADD file:files.tar in /")})
}

func history(createdBy string) v1.History {
	return v1.History{Created: v1.Time{Time: Epoch()}, CreatedBy: "/bin/sh -c " + createdBy}
}

func newImage(arch string, config v1.Config, layer mutate.Addendum) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.ConfigFile(img, &v1.ConfigFile{
		Architecture: arch,
		OS:           "linux",
		Created:      v1.Time{Time: Epoch()},
		Config:       config,
		RootFS:       v1.RootFS{Type: "layers"},
	})
	if err == nil {
		img, err = mutate.Append(img, layer)
	}
	if err != nil {
		return nil, fmt.Errorf("making an image for %s: %w", arch, err)
	}
	return img, nil
}
