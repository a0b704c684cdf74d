package message_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/containerd/containerd/v2/core/remotes"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/exporter/verifier"
	"github.com/moby/buildkit/solver/result"
	"github.com/moby/buildkit/sourcepolicy"
	"github.com/moby/buildkit/util/contentutil"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/message"
)

// What BuildKit's own code says, in the version that go.mod names. That of a daemon and of registries is in the tests of pkg/engine and
// test/e2e.
func TestMessages_sameAsBuildKit(t *testing.T) {
	for _, test := range []struct {
		name       string
		err        error
		recognized func(error) bool
	}{
		{"a blob that is read from its middle", readFromTheMiddle(t), message.CannotContinue},
		{"a source that the policy denies", sourcepolicy.ErrSourceDenied, func(err error) bool { return message.DeniedByPolicy(err.Error()) }},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !test.recognized(test.err) {
				t.Errorf("not recognized: %v", test.err)
			}
			if test.recognized(errors.New("something else")) {
				t.Error("something else is recognized, too")
			}
		})
	}
}

// A result with two parts for the platform of one, as an exporter sees it.
func TestPlatformsDiffer_sameAsBuildKit(t *testing.T) {
	one := exptypes.Platform{ID: "one", Platform: ocispec.Platform{OS: "linux", Architecture: "amd64"}}
	other := one
	other.ID = "other"
	list, err := json.Marshal(exptypes.Platforms{Platforms: []exptypes.Platform{one, other}})
	if err != nil {
		t.Fatal(err)
	}
	res := &result.Result[*int]{Refs: map[string]*int{"one": new(int), "other": new(int)}}
	res.AddMeta(exptypes.ExporterPlatformsKey, list)
	if err := verifier.CaptureFrontendOpts(map[string]string{"platform": "linux/amd64"}, res); err != nil {
		t.Fatal(err)
	}
	warnings, err := verifier.CheckInvalidPlatforms(t.Context(), res)
	if err != nil || len(warnings) != 1 || !message.PlatformsDiffer(string(warnings[0].Short)) {
		t.Errorf("the warnings are %v (%v), want one that is recognized", warnings, err)
	}
	if message.PlatformsDiffer("Duplicate platform result requested \"linux/amd64\"") {
		t.Error("another warning is taken for it")
	}
}

// readFromTheMiddle returns what the engine says that has the first bytes of a blob already.
func readFromTheMiddle(t *testing.T) error {
	t.Helper()
	forward := remotes.FetcherFunc(func(context.Context, ocispec.Descriptor) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("content"))), nil
	})
	r, err := contentutil.FromFetcher(forward).ReaderAt(t.Context(), ocispec.Descriptor{Size: 7})
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.ReadAt(make([]byte, 1), 3)
	return err
}

func TestMissingSecret_returnsItsName(t *testing.T) {
	if got := message.MissingSecret("secret npm.token: not found"); got != "npm.token" {
		t.Errorf("got %q", got)
	}
	if got := message.MissingSecret("secret service: refused"); got != "" {
		t.Errorf("got %q of another message", got)
	}
}
