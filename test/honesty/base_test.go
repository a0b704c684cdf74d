package honesty

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/compression"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	spb "github.com/moby/buildkit/sourcepolicy/pb"
)

// shell compiles the program that stands in for all of the base.
func shell(dir string) ([]byte, error) {
	file := filepath.Join(dir, "sh")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", file, "./testdata/sh")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compiling the shell: %w\n%s", err, out)
	}
	return os.ReadFile(file)
}

// programs are what the specs run.
var programs = []string{"/bin/npm", "/bin/go", "/bin/true", "/usr/bin/augtool"}

// accounts are those that the specs and the examples of the language name.
const accounts = `root:x:0:0:root:/:/bin/sh
app:x:10:10::/:/bin/sh
builder:x:11:11::/:/bin/sh
apache:x:48:48::/:/bin/sh
clock:x:1000:1000::/:/bin/sh
nobody:x:65534:65534::/:/bin/sh
`

const groups = "root:x:0:\napp:x:10:\nbuilder:x:11:\napache:x:48:\nclock:x:1000:\nnogroup:x:65534:\n"

// A form is how a registry has an image: its media types, and how its layer is compressed.
type form struct {
	manifest, config, layer types.MediaType
	compression             compression.Compression
}

// ofDocker is the form that docker gives an image.
var ofDocker = form{types.DockerManifestSchema2, types.DockerConfigJSON, types.DockerLayer, compression.GZip}

// pushBase publishes a base whose content another one does not have.
func pushBase(repository, content string) error { return pushBaseAs(ofDocker, repository, content) }

// pushBaseAs publishes a base in a form.
func pushBaseAs(as form, repository, content string) error {
	layer, err := baseLayer(content)
	if err != nil {
		return err
	}
	blob, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(layer)), nil },
		tarball.WithCompression(as.compression))
	if err != nil {
		return err
	}
	image, err := mutate.Append(mutate.ConfigMediaType(mutate.MediaType(empty.Image, as.manifest), as.config), mutate.Addendum{Layer: blob, MediaType: as.layer})
	if err != nil {
		return err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", "amd64"
	file.Config.Env = []string{"PATH=/usr/bin:/bin"}
	if image, err = mutate.ConfigFile(image, file); err != nil {
		return err
	}
	return publishImage(image, on.place+"/"+repository+":1")
}

func publishImage(image v1.Image, reference string) error {
	tag, err := name.NewTag(reference)
	if err != nil {
		return err
	}
	return remote.Write(tag, image)
}

func baseLayer(content string) ([]byte, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	add := func(h tar.Header, data string) error {
		h.Size = int64(len(data))
		if err := w.WriteHeader(&h); err != nil {
			return err
		}
		_, err := io.WriteString(w, data)
		return err
	}
	for _, dir := range []string{"bin", "usr/bin", "etc/ssl/certs", "etc/pulp", "etc/yum.repos.d", "ran", "out", "src/dist", "mnt", "tmp", "srv", "var/lib"} {
		if err := add(tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o777}, ""); err != nil {
			return nil, err
		}
	}
	for name, data := range map[string]string{"bin/sh": string(on.shell)} {
		if err := add(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755}, data); err != nil {
			return nil, err
		}
	}
	for _, file := range [][2]string{{"etc/passwd", accounts}, {"etc/group", groups}, {"etc/content", content}, {"bin/busybox", "busybox of " + content}, {"etc/pulp/server.conf", ""}} {
		if err := add(tar.Header{Typeflag: tar.TypeReg, Name: file[0], Mode: 0o644}, file[1]); err != nil {
			return nil, err
		}
	}
	for _, program := range programs {
		if err := add(tar.Header{Typeflag: tar.TypeSymlink, Name: program[1:], Linkname: "/bin/sh", Mode: 0o777}, ""); err != nil {
			return nil, err
		}
	}
	return archive.Bytes(), w.Close()
}

// writePolicy writes the policy that leads the bases of the specs to the base of the tests, those whose tag ends in an x to the other one, and
// files to a server on this machine.
func (b *bench) writePolicy(server string) (err error) {
	b.server = server
	if b.policy, err = b.policyFor("base", "other"); err != nil {
		return err
	}
	data, err := json.Marshal(b.policy)
	if err != nil {
		return err
	}
	b.policyFile = filepath.Join(b.dir, "policy.json")
	return os.WriteFile(b.policyFile, data, 0o644)
}

// policyFor returns the policy that leads bases to a repository, and those whose tag ends in an x to another one.
func (b *bench) policyFor(repository, other string) (*spb.Policy, error) {
	type object = map[string]any
	convert := func(from, to string) object {
		return object{"action": "CONVERT", "selector": object{"identifier": from, "match_type": "REGEX"}, "updates": object{"identifier": to}}
	}
	data, err := json.Marshal(object{"version": 1, "rules": []object{
		convert(`^docker-image://docker\.io/[^@]*x(@.+)?$`, "docker-image://"+b.place+"/"+other+":1${1}"),
		convert(`^docker-image://docker\.io/[^@]*[^@x](@.+)?$`, "docker-image://"+b.place+"/"+repository+":1${1}"),
		convert(`^https://(.*)$`, "http://"+b.server+"/${1}"),
	}})
	if err != nil {
		return nil, err
	}
	policy := &spb.Policy{}
	return policy, json.Unmarshal(data, policy)
}
