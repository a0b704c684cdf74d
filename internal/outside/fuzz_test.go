package outside_test

import (
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/opencontainers/go-digest"

	"github.com/pulpimg/pulpimg/internal/outside"
	"github.com/pulpimg/pulpimg/pkg/layout"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

// Whatever a registry has under a digest, it is an image with the layers of its config or an error.
func FuzzFind(f *testing.F) {
	const config = `{"os":"linux","architecture":"amd64","rootfs":{"diff_ids":["sha256:` + "0123456789012345678901234567890123456789012345678901234567890123" + `"]}}`
	known, err := layout.OpenBlobs(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	desc, err := known.Write("", []byte(config))
	if err != nil {
		f.Fatal(err)
	}
	reader, err := publish.NewReader(publish.Options{Registries: &registries.Config{}, Keychain: authn.NewMultiKeychain(), Transport: offline{}})
	if err != nil {
		f.Fatal(err)
	}
	finder := outside.Finder{Registries: &registries.Config{}, Reader: reader, Known: known}
	descriptor := `{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"` + desc.Digest.String() + `","size":` + strconv.FormatInt(desc.Size, 10) + `}`
	f.Add([]byte(`{"config":` + descriptor + `,"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:1","size":1}]}`))
	f.Add([]byte(`{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:x","size":-1,"platform":{"os":"linux","architecture":"amd64"}}]}`))
	f.Add([]byte(`{"manifests":[null,{"data":"e30=","digest":"` + digest.FromString("{}").String() + `","size":2}]}`))
	f.Fuzz(func(t *testing.T, manifest []byte) {
		desc, err := known.Write("", manifest)
		if err != nil {
			t.Fatal(err)
		}
		image, err := finder.Find(t.Context(), "r.test/a@"+desc.Digest.String(), platform("amd64", ""))
		if err == nil && (len(image.Layers) != len(image.Config.RootFS.DiffIDs) || image.Digest != desc.Digest || image.Manifest.Digest == "") {
			t.Errorf("%q is %+v", manifest, image)
		}
	})
}

// offline is a network without registries.
type offline struct{}

func (offline) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("there is no network")
}
