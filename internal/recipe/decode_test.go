package recipe_test

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/recipe"
	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestDecode_leavesAnotherFormatAlone(t *testing.T) {
	const other = `{"format":999, "more": [1]}`
	old := must(recipe.Decode([]byte(other)))(t)
	if got := must(old.Encode())(t); string(got) != other {
		t.Errorf("it is encoded as %s", got)
	}
	now := world{build: amd64}.recipe(t, must(load(filepath.Join("testdata/everything", "pulpimg.yaml")))(t))
	for name, old := range map[string]recipe.Recipe{"of another format": old, "none": {}} {
		since := now.Since(old)
		if len(since) != 6 {
			t.Errorf("%s: %d of the 6 images differ", name, len(since))
		}
		for image, d := range since {
			if !d.Unknown || d.New || len(d.Changes) > 0 {
				t.Errorf("%s: %s differs so: %+v", name, image, d)
			}
		}
	}
}

func TestDecode_refusesWhatIsNone(t *testing.T) {
	for _, data := range []string{"", "[]", `{"format":1,"platforms":7}`, `{"format":"1"}`} {
		if _, err := recipe.Decode([]byte(data)); err == nil {
			t.Errorf("%q is a recipe", data)
		}
	}
}

// FuzzDecode compares whatever can be read with a real recipe, both ways.
func FuzzDecode(f *testing.F) {
	now := world{build: amd64}.recipe(f, must(load(filepath.Join("testdata/everything", "pulpimg.yaml")))(f))
	whole := must(now.Encode())(f)
	f.Add(whole)
	f.Add(bytes.Replace(whole, []byte("8000"), []byte("\\u001b[31m"), 9))
	f.Add(bytes.ReplaceAll(whole, []byte(`"image":"base"`), []byte(`"image":"tool"`)))
	f.Add(bytes.ReplaceAll(whole, []byte(`"values"`), []byte(`"value"`)))
	f.Add(bytes.ReplaceAll(whole, []byte(`"form"`), []byte(`"forms"`)))
	f.Add([]byte(`{"format":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		old, err := recipe.Decode(data)
		if err != nil {
			return
		}
		again := must(recipe.Decode(must(old.Encode())(t)))(t)
		if since := again.Since(old); len(since) > 0 && !anyUnknown(since) {
			t.Errorf("it differs from itself: %+v", since)
		}
		for _, since := range []map[string]recipe.Difference{now.Since(old), old.Since(now)} {
			for _, d := range since {
				for _, c := range d.Changes {
					if c.Text == "" || strings.ContainsFunc(c.Text+c.Title, unicode.IsControl) {
						t.Errorf("%q of %q is not fit to be shown", c.Text, c.Title)
					}
				}
			}
		}
	})
}

func anyUnknown(since map[string]recipe.Difference) bool {
	for _, d := range since {
		if d.Unknown {
			return true
		}
	}
	return false
}

func TestOf_endsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	f := must(load(filepath.Join("testdata/everything", "pulpimg.yaml")))(t)
	if _, err := recipe.Of(ctx, []*family.Family{f}, []ocispec.Platform{amd64}, recipe.Sources{}); !errors.Is(err, why) {
		t.Errorf("it ends with %v", err)
	}
}
