package publish

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// A layer that is not the right one never comes as a whole.
func TestChecked(t *testing.T) {
	const content = "what the layer holds"
	digest, size, err := v1.SHA256(strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		content io.Reader
		want    string // of the error
		final   bool
	}{
		{"the layer", strings.NewReader(content), "", false},
		{"bytes one after the other", iotest.OneByteReader(strings.NewReader(content)), "", false},
		{"the end with the last bytes", iotest.DataErrReader(strings.NewReader(content)), "", false},
		{"another byte at the end", strings.NewReader(content[:size-1] + "!"), "what is there has another digest, sha256:", true},
		{"another byte at the beginning", iotest.DataErrReader(strings.NewReader("!" + content[1:])), "what is there has another digest", true},
		{"one more byte", strings.NewReader(content + "!"), "it is longer there than the 20 bytes that it should have", true},
		{"one byte less", strings.NewReader(content[:size-1]), "it ends there after 19 of 20 bytes", true},
		{"nothing", strings.NewReader(""), "it ends there after 0 of 20 bytes", true},
		{"a connection that breaks", io.MultiReader(strings.NewReader(content[:5]), iotest.ErrReader(io.ErrUnexpectedEOF)), "unexpected EOF", false},
		{"a connection that breaks at the end", io.MultiReader(strings.NewReader(content), iotest.ErrReader(io.ErrUnexpectedEOF)), "unexpected EOF", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, most := range []int{1, 7, 20, 21, 4096} { // bytes that the caller takes at once
				hasher, err := v1.Hasher(digest.Algorithm)
				if err != nil {
					t.Fatal(err)
				}
				if seeker, ok := test.content.(*strings.Reader); ok {
					if _, err := seeker.Seek(0, io.SeekStart); err != nil {
						t.Fatal(err)
					}
				} else if most != 7 {
					continue // it can be read once
				}
				c := &checked{ReadCloser: io.NopCloser(test.content), hash: hasher, blob: blob{digest: digest, size: size}, left: size}
				var got bytes.Buffer
				_, err = io.CopyBuffer(struct{ io.Writer }{&got}, struct{ io.Reader }{c}, make([]byte, most))
				if test.want == "" {
					if err != nil || got.String() != content {
						t.Errorf("read %q, %v", got.String(), err)
					}
					continue
				}
				var given *sourceError
				if !errors.As(err, &given) || given.final != test.final || !strings.Contains(err.Error(), test.want) {
					t.Errorf("the error is %v, want %q", err, test.want)
				}
				if got.Len() >= int(size) {
					t.Errorf("%d bytes came of a layer that is not the right one", got.Len())
				}
				if transientError(err) == test.final {
					t.Errorf("%v: whether another attempt helps is %v", err, !test.final)
				}
			}
		})
	}
}
