package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/goreleaser/nfpm/v2"
	_ "github.com/goreleaser/nfpm/v2/deb" // registers the format
	"github.com/goreleaser/nfpm/v2/files"
	_ "github.com/goreleaser/nfpm/v2/rpm" // registers the format
)

// profile is the AppArmor profile, and deb/ has the scripts that load it, in the repository.
const (
	profile = "internal/packaging/apparmor/pulpimg"
	scripts = "internal/packaging/deb/"
)

// packageFor makes the package of a program for dpkg or rpm.
func (r *release) packageFor(format string, p program, licences string) error {
	contents, err := r.contents(format, p, licences)
	if err != nil {
		return err
	}
	info := nfpm.WithDefaults(&nfpm.Info{
		Name: "pulpimg", Arch: p.arch, Platform: p.os, Version: r.version, Section: "devel", Priority: "optional",
		Maintainer: maintainer, Homepage: "https://github.com/pulpimg/pulpimg", License: "Apache-2.0",
		Description: summary + "\n" + description, MTime: r.time, DisableGlobbing: true,
	})
	info.Contents = contents
	switch format {
	case formatDeb:
		// What an ordinary user needs to build. Root does without, so a container can leave it out.
		info.Recommends = []string{"uidmap", "ca-certificates"}
		info.Suggests = []string{"podman | docker.io"}
		info.Scripts = nfpm.Scripts{PostInstall: filepath.Join(r.root, scripts, "postinst"), PreRemove: filepath.Join(r.root, scripts, "prerm")}
	case formatRPM:
		// The package with this file has not the same name everywhere.
		info.Recommends = []string{"/usr/bin/newuidmap", "ca-certificates"}
		info.Description = description
		info.RPM.Summary, info.RPM.BuildHost, info.RPM.Group = summary, "localhost", "Development/Tools"
	}
	packager, err := nfpm.Get(format)
	if err != nil {
		return err
	}
	return r.create(packager.ConventionalFileName(info), func(f *os.File) error { return packager.Package(info, f) })
}

const (
	maintainer  = "The pulpimg authors <pulpimg@users.noreply.github.com>"
	summary     = "Build a family of container images from one YAML file"
	description = `pulpimg reads a YAML file that declares a base image and the images derived
from it, builds all of them on the BuildKit that it carries inside itself, with
or without root, and publishes them together.`
)

// contents returns the files of a package.
func (r *release) contents(format string, p program, licences string) (files.Contents, error) {
	const doc = "/usr/share/doc/pulpimg/"
	changelog, err := os.ReadFile(filepath.Join(r.root, "CHANGELOG.md"))
	if err != nil {
		return nil, err
	}
	out := []file{
		{p.file, "/usr/bin/pulpimg", 0o755},
		{r.scripts["bash"], "/usr/share/bash-completion/completions/pulpimg", 0o644},
		{r.scripts["fish"], "/usr/share/fish/vendor_completions.d/pulpimg.fish", 0o644},
	}
	packed := map[string][]byte{}
	pages, err := names(r.man)
	if err != nil {
		return nil, err
	}
	for _, page := range pages {
		if packed["/usr/share/man/man1/"+page+".gz"], err = os.ReadFile(filepath.Join(r.man, page)); err != nil {
			return nil, err
		}
	}
	licence := filepath.Join(r.root, "LICENSE")
	if format == formatDeb {
		out = append(out,
			file{r.scripts["zsh"], "/usr/share/zsh/vendor-completions/_pulpimg", 0o644},
			file{filepath.Join(r.root, scripts, "copyright"), doc + "copyright", 0o644},
			file{filepath.Join(r.root, scripts, "overrides"), "/usr/share/lintian/overrides/pulpimg", 0o644},
			file{filepath.Join(r.root, profile), "/usr/share/pulpimg/apparmor/pulpimg", 0o644})
		packed[doc+"CHANGELOG.md.gz"] = changelog
		packed[doc+"changelog.gz"] = r.debianChangelog()
		if packed[doc+"THIRD-PARTY.gz"], err = os.ReadFile(licences); err != nil {
			return nil, err
		}
	} else {
		out = append(out,
			file{r.scripts["zsh"], "/usr/share/zsh/site-functions/_pulpimg", 0o644},
			file{filepath.Join(r.root, "CHANGELOG.md"), doc + "CHANGELOG.md", 0o644},
			file{licence, "/usr/share/licenses/pulpimg/LICENSE", 0o644},
			file{licences, "/usr/share/licenses/pulpimg/THIRD-PARTY", 0o644})
	}
	for to, text := range packed {
		text, err := compressed(text)
		if err != nil {
			return nil, err
		}
		from, err := r.file(format+"-"+path.Base(to), text)
		if err != nil {
			return nil, err
		}
		out = append(out, file{from, to, 0o644})
	}
	all := r.asContents(format, out)
	if format == formatRPM { // which, other than dpkg, removes only directories that a package names
		for _, dir := range []string{doc, "/usr/share/licenses/pulpimg"} {
			all = append(all, &files.Content{Destination: dir, Type: files.TypeDir, FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: 0o755, MTime: r.time}})
		}
	}
	return all, nil
}

// asContents returns files as nfpm wants them: of root, and from the time of the release.
func (r *release) asContents(format string, of []file) files.Contents {
	var out files.Contents
	for _, f := range of {
		kind := ""
		switch {
		case path.Dir(f.to) == "/usr/share/licenses/pulpimg":
			kind = files.TypeRPMLicense
		case path.Ext(f.to) == ".md", path.Dir(f.to) == "/usr/share/man/man1" && format == formatRPM:
			kind = files.TypeRPMDoc
		}
		out = append(out, &files.Content{Source: f.from, Destination: f.to, Type: kind, FileInfo: &files.ContentFileInfo{
			Owner: "root", Group: "root", Mode: f.mode, MTime: r.time}})
	}
	return out
}

// debianChangelog returns the changelog that Debian's tools read. What changed is in the other one.
func (r *release) debianChangelog() []byte {
	return fmt.Appendf(nil, "pulpimg (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- %s  %s\n",
		debianVersion(r.version), maintainer, r.time.Format(time.RFC1123Z))
}

// debianVersion returns a version as Debian and Fedora sort it: what comes before a release has a "~".
func debianVersion(version string) string { return strings.Replace(version, "-", "~", 1) }
