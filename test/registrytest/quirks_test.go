package registrytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// harmless lists the quirks with which everything can be published. Those of one line exclude each other.
func harmless() [][]Quirk {
	return [][]Quirk{
		{Plain, OddPort},
		{Basic, Bearer, OpenPing, ManyOffers, AccessToken, NoExpiry, LastScope, RefusedMountScope, RefusedMountScope401, DyingTokens},
		{Absolute, WithPort, UpperCase, PlainLocation, PlainPort, Relative, Outside, Elsewhere},
		{NoMount, MountDenied},
		{UploadGone}, {UploadStored}, {UploadBad}, {LateAnswer}, {CutHeader}, {Silent},
		{HeadBlob405, HeadBlob403, HeadBlob400},
		{Head405, Head404, Head403, Head400},
		{NoDigest}, {CutManifest}, {LateTag}, {SilentTag},
		{BlobUnknown}, {BlobUnknown404}, {ChildUnknown},
	}
}

// once are the quirks that come up for the first request of a kind, so that a test can tell whether they did.
func once() []Quirk {
	return []Quirk{DyingTokens, UploadGone, UploadStored, UploadBad, LateAnswer, CutHeader, Silent, SilentTag, LateTag, BlobUnknown, BlobUnknown404, ChildUnknown}
}

// options let a test reach a quirky registry and repeat without waiting.
func (q *Quirky) options() publish.Options {
	opts := publish.Options{
		Transport: q.Transport,
		Keychain:  user(QuirkyUser, QuirkyPassword),
		Backoff:   publish.Backoff{Attempts: 6, First: time.Millisecond, Longest: time.Second},
	}
	if q.has(Silent) || q.has(SilentTag) {
		opts.Patience = 250 * time.Millisecond
	}
	return opts
}

// quirkyFamily is a base, a role and an image for two platforms.
func quirkyFamily(t *testing.T, host string, seed int64) []publish.Item {
	t.Helper()
	base := newBase(t, 2, 1<<10, seed)
	return []publish.Item{
		newItem(t, host, "base", "1", base),
		newItem(t, host, "role", "1", newRole(t, base, "role", seed+1)),
		newItem(t, host, "multi", "1", newIndex(t, base, newBase(t, 1, 1<<10, seed+2))),
	}
}

// checkAudit compares what a registry holds with what was published.
func checkAudit(t *testing.T, q *Quirky, items []publish.Item) {
	t.Helper()
	want, refs := map[string]string{}, []string{}
	for _, item := range items {
		digest, err := item.Content.Digest()
		if err != nil {
			t.Fatal(err)
		}
		ref := strings.TrimPrefix(item.Reference.Name(), item.Reference.RegistryStr()+"/")
		refs = append(refs, ref)
		want[ref] = digest.String()
	}
	got, faults := q.Audit(refs)
	for _, fault := range faults {
		t.Error(fault)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

// publishQuirky publishes a family, and reads back what is there. Unless it is to be brief, an image for two platforms is part of the
// family, and then another one is published under the same tags.
func publishQuirky(t *testing.T, brief bool, quirks ...Quirk) {
	t.Helper()
	q := NewQuirky(t, quirks...)
	seeds := []int64{1}
	if !brief {
		seeds = append(seeds, 10)
	}
	for _, seed := range seeds {
		items := quirkyFamily(t, q.Host, seed)
		if brief {
			items = items[:2]
		}
		result, err := publish.Publish(t.Context(), items, q.options())
		if err != nil {
			t.Fatalf("publishing: %v\n%s", err, strings.Join(q.Requests(), "\n"))
		}
		if len(result.Items) != len(items) {
			t.Errorf("%d of %d images are published", len(result.Items), len(items))
		}
		checkAudit(t, q, items)
		got, err := publish.Resolve(t.Context(), items[0].Reference.Name(), q.options())
		if want := result.Items[0].Digest; err != nil || got != want {
			t.Errorf("the base is resolved to %v, %v, want %v", got, err, want)
		}
		checkRead(t, q, items[0])
	}
	for _, quirk := range quirks {
		if slices.Contains(once(), quirk) && !q.Happened(quirk) {
			t.Errorf("%q did not come up", quirk)
		}
	}
}

func TestPublish_quirks(t *testing.T) {
	t.Run("none", func(t *testing.T) { publishQuirky(t, false) })
	for _, line := range harmless() {
		for _, quirk := range line {
			t.Run(string(quirk), func(t *testing.T) {
				t.Parallel()
				publishQuirky(t, false, quirk)
			})
		}
	}
}

func TestPublish_pairsOfQuirks(t *testing.T) {
	lines := harmless()
	for i, line := range lines {
		for _, other := range lines[i+1:] {
			for _, a := range line {
				for _, b := range other {
					t.Run(fmt.Sprintf("%s and %s", a, b), func(t *testing.T) {
						t.Parallel()
						publishQuirky(t, true, a, b)
					})
				}
			}
		}
	}
}

func TestPublish_quirksThatPreventIt(t *testing.T) {
	for _, test := range []struct {
		quirks []Quirk
		says   string
		check  func(t *testing.T, err error)
	}{
		{[]Quirk{NoRepository}, "does not exist in the registry", wantUploadError},
		{[]Quirk{NoRepository, Bearer}, "does not exist in the registry", wantUploadError},
		{[]Quirk{TagsOnly}, "manifests can only be pushed by tag", wantUploadError},
		{[]Quirk{DeadTag}, "does not exist instead of sha256:", wantDiffer},
		{[]Quirk{DeadTag, Head405}, "does not exist instead of sha256:", wantDiffer},
		{[]Quirk{DeadTag, NoDigest}, "does not exist instead of sha256:", wantDiffer},
	} {
		t.Run(fmt.Sprint(test.quirks), func(t *testing.T) {
			q := NewQuirky(t, test.quirks...)
			_, err := publish.Publish(t.Context(), quirkyFamily(t, q.Host, 1), q.options())
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Fatalf("the error is %v, want one that says %q", err, test.says)
			}
			test.check(t, err)
		})
	}
}

func wantUploadError(t *testing.T, err error) {
	var failure *publish.UploadError
	if !errors.As(err, &failure) {
		t.Errorf("the error is %v, want an *UploadError", err)
	}
}

func wantDiffer(t *testing.T, err error) {
	var failure *publish.TagError
	if !errors.As(err, &failure) || len(failure.Differ) != 3 {
		t.Errorf("the error is %v, want a *TagError with three differences", err)
	}
}

func TestPublish_tagsThatMayNotBeMoved(t *testing.T) {
	q := NewQuirky(t, ImmutableTags)
	former := quirkyFamily(t, q.Host, 1)
	mustPublish(t, former, q.options())
	mustPublish(t, former, q.options())
	_, err := publish.Publish(t.Context(), quirkyFamily(t, q.Host, 10), q.options())
	var failure *publish.TagError
	if !errors.As(err, &failure) || len(failure.NotMoved) != 3 || !strings.Contains(err.Error(), "the repository is immutable") {
		t.Errorf("the error is %v, want a *TagError with three tags that were not moved", err)
	}
	checkAudit(t, q, former)
}

// The border to the terminal makes control characters visible. A second line it cannot tell from one that is meant.
func TestPublish_answerIsOneLine(t *testing.T) {
	q := NewQuirky(t, BadText)
	_, err := publish.Publish(t.Context(), quirkyFamily(t, q.Host, 1), q.options())
	if err == nil || strings.ContainsAny(err.Error(), "\r\n") || !strings.Contains(err.Error(), "all is well") {
		t.Errorf("the error is %q", err)
	}
}

// checkRead reads an image from a registry: its manifest, and the last layer, with the digests.
func checkRead(t *testing.T, q *Quirky, item publish.Item) {
	t.Helper()
	reader, err := publish.NewReader(q.options())
	if err != nil {
		t.Fatal(err)
	}
	digest, err := reader.Digest(t.Context(), item.Reference.Name())
	if err != nil {
		t.Error(err)
		return
	}
	data, err := reader.Manifest(t.Context(), item.Reference.Context().Name()+"@"+digest.String())
	if err != nil {
		t.Error(err)
		return
	}
	var manifest ocispec.Manifest
	if err := json.Unmarshal(data, &manifest); err != nil {
		t.Fatal(err)
	}
	in, err := reader.Blob(t.Context(), item.Reference.Name(), manifest.Layers[len(manifest.Layers)-1])
	if err != nil {
		t.Error(err)
		return
	}
	defer in.Close()
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Error(err)
	}
}
