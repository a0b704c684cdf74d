package e2e

import (
	"archive/tar"
	"bytes"
	"io"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// defaultACL is u::rwx,g::r-x,g:50:rwx,m::rwx,o::r-x as the kernel keeps it.
const defaultACL = "\x02\x00\x00\x00\x01\x00\x07\x00\xff\xff\xff\xff\x04\x00\x05\x00\xff\xff\xff\xff\x08\x00\x07\x00\x32\x00\x00\x00\x10\x00\x07\x00\xff\xff\xff\xff\x20\x00\x05\x00\xff\xff\xff\xff"

// pushAttributedBase publishes the lab's base with a directory that has extended attributes.
func pushAttributedBase(t *testing.T, reference string) {
	t.Helper()
	var layer bytes.Buffer
	w := tar.NewWriter(&layer)
	header := &tar.Header{Typeflag: tar.TypeDir, Name: "attributed/", Mode: 0o755, Format: tar.FormatPAX, PAXRecords: map[string]string{
		"SCHILY.xattr.user.owner":               "somebody",
		"SCHILY.xattr.system.posix_acl_default": defaultACL,
	}}
	if err := w.WriteHeader(header); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	added, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	base, err := mutate.AppendLayers(image(t, env.lab.Registry+"/fedora:20"), added)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, base); err != nil {
		t.Fatal(err)
	}
}

func TestFiles_keepExtendedAttributes(t *testing.T) {
	env.lanes.warm.enter(t)
	place := registry(t)
	pushAttributedBase(t, place+"/base:1")
	const look = `
      - run: |
          python3 -c "import os; assert os.getxattr('/attributed', 'user.owner') == b'somebody' and len(os.getxattr('/attributed', 'system.posix_acl_default')) == 44"`
	files := map[string]string{"file": "some text\n"}
	spec := func(name, from, steps string) string {
		return specFile(t, "version: 1\nname: "+name+"\nregistry: docker.io/lab\ntag: \"1\"\nimages:\n  "+name+":\n    from: "+from+"\n    steps:"+steps+"\n", files)
	}
	built := spec("built", place+"/base:1", "\n      - files: { from: file, to: /attributed/file }")
	warm().build(t, "-f", built, "--registry", place, "--push").ok(t)
	// A command that runs on the published image sees what its layers make of the directory.
	warm().build(t, "-f", spec("looked", place+"/built:1", look)).ok(t)
	// And so does one that runs on the engine's own copy.
	warm().build(t, "-f", spec("copied", place+"/base:1", "\n      - files: { from: file, to: /attributed/file }"+look)).ok(t)
}
