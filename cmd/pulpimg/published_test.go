package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/pulpimg/pulpimg/pkg/publish"
)

// publishedItems are what publishing images did, with long names in several registries.
func publishedItems(t *testing.T, registries, images, tags int) *publication {
	t.Helper()
	result := &publication{}
	for i := range images {
		for r := range registries {
			for n := range tags {
				tag, err := name.NewTag(fmt.Sprintf("registry-%d.example.com/some/path/that/is/long/image-%d:3.63.%d-python311", r, i, n))
				if err != nil {
					t.Fatal(err)
				}
				item := publish.Published{Name: fmt.Sprintf("a-long-name-of-an-image-%d", i), Reference: tag, Digest: hash('a'), TagMoved: n > 0}
				if n == 0 {
					item.Pushed = publish.Tally{Layers: 2, Bytes: 1000}
					item.Mounted = publish.Tally{Layers: 1, Bytes: 500}
				}
				result.Items = append(result.Items, item)
			}
		}
	}
	return result
}

func hash(letter rune) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: strings.Repeat(string(letter), 64)}
}

func TestPrintPublished_fitsIntoTheScreen(t *testing.T) {
	result := publishedItems(t, 3, 2, 9)
	var text bytes.Buffer
	f := &format{name: formatText}
	if err := f.printPublished(console{out: &text}, result); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(text.String()) {
		if len(line) > maxLine+len("\n") {
			t.Errorf("this line has %d columns: %s", len(line), line)
		}
	}
	words := strings.FieldsFunc(text.String(), func(c rune) bool { return strings.ContainsRune(" ,\n", c) })
	for _, item := range result.Items {
		if !slices.Contains(words, item.Reference.TagStr()) || !slices.Contains(words, item.Reference.Repository.Name()+":") {
			t.Errorf("%s is not shown:\n%s", item.Reference, text.String())
		}
	}
	if want := "published 2 images: 6.0 kB sent, 6 layers mounted, 48 tags moved in 3 registries\n"; !strings.HasSuffix(text.String(), want) {
		t.Errorf("it ends with\n%swant\n%s", text.String(), want)
	}
}

func TestPrintPublished_oneReference(t *testing.T) {
	var text bytes.Buffer
	f := &format{name: formatText}
	if err := f.printPublished(console{out: &text}, publishedItems(t, 1, 1, 1)); err != nil {
		t.Fatal(err)
	}
	want := `IMAGE                      DIGEST               SENT    REFERENCE
a-long-name-of-an-image-0  sha256:aaaaaaaaaaaa  1.0 kB  registry-0.example.com/some/path/that/is/long/image-0:3.63.0-python311

published 1 image: nothing had changed
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPublishedJSON(t *testing.T) {
	var text bytes.Buffer
	f := &format{name: formatJSON}
	if err := f.printPublished(console{out: &text}, publishedItems(t, 2, 1, 2)); err != nil {
		t.Fatal(err)
	}
	var got map[string][]map[string]any
	if err := json.Unmarshal(text.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	const in = ".example.com/some/path/that/is/long/image-0:3.63."
	want := map[string][]map[string]any{"images": {{
		"image": "a-long-name-of-an-image-0", "digest": hash('a').String(), "sent_bytes": 2000.0, "tag_moved": true,
		"reference": "registry-0" + in + "0-python311",
		"references": []any{
			"registry-0" + in + "0-python311", "registry-0" + in + "1-python311", "registry-1" + in + "0-python311", "registry-1" + in + "1-python311",
		},
		"moved": []any{"registry-0" + in + "1-python311", "registry-1" + in + "1-python311"},
	}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestPreview_text(t *testing.T) {
	result := publishedItems(t, 1, 1, 5)
	for i, change := range []func(*publish.Published){
		func(p *publish.Published) { p.TagMoved = true },
		func(p *publish.Published) { p.Former = hash('b') },
		func(p *publish.Published) { p.TagMoved = false },
		func(p *publish.Published) { p.Unknown = true },
		func(p *publish.Published) { p.Former = hash('c') },
	} {
		change(&result.Items[i])
	}
	refused := &publish.ImmutableError{Tags: []publish.TagDifference{{Tag: result.Items[4].Reference, Want: hash('a'), Found: hash('c')}}}
	p := newPreview(result, refused)
	var text bytes.Buffer
	p.print(console{out: &text})
	want := `a-long-name-of-an-image-0 sha256:aaaaaaaaaaaa
  registry-0.example.com/some/path/that/is/long/image-0
    1.0 kB to send, 1 layer to mount
    3.63.0-python311 would be created
    3.63.1-python311 would move from sha256:bbbbbbbbbbbb
    3.63.2-python311 is in place
    3.63.3-python311 would be set; the registry does not say what it is
    3.63.4-python311 is immutable, and points to sha256:cccccccccccc

nothing was done, and nothing would be: 1 tag may not be moved
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got, want := newPreview(result, nil).summary, "nothing was done; 1 image would send 1.0 kB and move 4 tags"; got != want {
		t.Errorf("without the last, it ends with %q, want %q", got, want)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"dry_run":true`, `"action":"refuse","former":"sha256:ccc`, `{"tag":"3.63.0-python311","action":"create"}`, `"send_bytes":1000`, `"mount_layers":1`} {
		if !strings.Contains(string(data), part) {
			t.Errorf("%s does not have %s", data, part)
		}
	}
}
