package registry

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// serve serves a registry on 127.0.0.1 until the test ends and returns its address.
func serve(t *testing.T, dir string, c *Credentials) string {
	t.Helper()
	LogTo(t.Output())
	r, err := Open(t.Context(), dir, c)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(r)
	t.Cleanup(func() {
		server.Close()
		if err := r.Close(); err != nil {
			t.Error(err)
		}
		LogTo(nopWriter{})
	})
	return strings.TrimPrefix(server.URL, "http://")
}

type nopWriter struct{}

func (nopWriter) Write(p []byte) (int, error) { return len(p), nil }

func tag(t *testing.T, reference string) name.Tag {
	t.Helper()
	ref, err := name.NewTag(reference)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestWhatIsPushedIsThereForAClientAndAfterARestart(t *testing.T) {
	dir := t.TempDir()
	img, err := random.Image(1024, 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := Push(t.Context(), serve(t, dir, nil)+"/some/image:1", img); err != nil {
		t.Fatal(err)
	}
	got, err := remote.Image(tag(t, serve(t, dir, nil)+"/some/image:1"))
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(got); err != nil {
		t.Error(err)
	}
	if got, want := digest(t, got), digest(t, img); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestPushMovesATagThatIsAnotherImages(t *testing.T) {
	reference := serve(t, t.TempDir(), nil) + "/image:1"
	var last v1.Image
	for range 2 {
		img, err := random.Image(64, 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := Push(t.Context(), reference, img); err != nil {
			t.Fatal(err)
		}
		last = img
	}
	got, err := remote.Image(tag(t, reference))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := digest(t, got), digest(t, last); got != want {
		t.Errorf("digest %s, want %s", got, want)
	}
}

func TestManifestsCanBeDeleted(t *testing.T) {
	host := serve(t, t.TempDir(), nil)
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := Push(t.Context(), host+"/image:1", img); err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewDigest(host + "/image@" + digest(t, img).String())
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Delete(ref); err != nil {
		t.Fatal(err)
	}
	if _, err := remote.Head(ref); err == nil {
		t.Error("the manifest is still there")
	}
}

func TestARegistryWithCredentialsLetsOnlyThemIn(t *testing.T) {
	dir := t.TempDir()
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := Push(t.Context(), serve(t, dir, nil)+"/image:1", img); err != nil {
		t.Fatal(err)
	}
	ref := tag(t, serve(t, dir, &Credentials{"lab", "right"})+"/image:1")
	for name, tc := range map[string]struct {
		auth authn.Authenticator
		want int
	}{
		"nobody":         {authn.Anonymous, http.StatusUnauthorized},
		"wrong password": {&authn.Basic{Username: "lab", Password: "wrong"}, http.StatusUnauthorized},
		"right password": {&authn.Basic{Username: "lab", Password: "right"}, http.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := remote.Get(ref, remote.WithAuth(tc.auth))
			status := http.StatusOK
			if refused := (*transport.Error)(nil); errors.As(err, &refused) {
				status = refused.StatusCode
			} else if err != nil {
				t.Fatal(err)
			}
			if status != tc.want {
				t.Errorf("status %d, want %d", status, tc.want)
			}
		})
	}
}

func TestAFolderThatCannotBeWrittenIsAnError(t *testing.T) {
	if _, err := Open(t.Context(), "/dev/null/registry", &Credentials{"lab", "right"}); err == nil {
		t.Error("no error")
	}
}

func digest(t *testing.T, img v1.Image) v1.Hash {
	t.Helper()
	h, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return h
}
