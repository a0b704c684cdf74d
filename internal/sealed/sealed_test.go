package sealed_test

import (
	"bytes"
	"testing"

	"github.com/pulpimg/pulpimg/internal/sealed"
)

func TestOpen(t *testing.T) {
	for _, content := range []string{"", "x", "some content"} {
		data := sealed.Seal([]byte(content))
		if got, ok := sealed.Open(data); !ok || string(got) != content || len(data) != len(content)+sealed.Size {
			t.Errorf("of %q, it opens %q, %t", content, got, ok)
		}
		for at := range data {
			damaged := bytes.Clone(data)
			damaged[at] ^= 1
			if _, ok := sealed.Open(damaged); ok {
				t.Errorf("of %q, it opens what is damaged at byte %d", content, at)
			}
			if _, ok := sealed.Open(data[:at]); ok {
				t.Errorf("of %q, it opens the first %d bytes", content, at)
			}
		}
	}
}
