package forecast_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/internal/forecast"
	"github.com/pulpimg/pulpimg/internal/key"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// document is the definition of keys.
const document = "../../docs/keys.md"

// blocksOf returns the blocks of a language in the document.
func blocksOf(t *testing.T, language string) []string {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, found := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		out = append(out, found[1])
	}
	return out
}

// value reads a line with a value: text as JSON, or bytes in hexadecimal digits.
func value(t *testing.T, line string) string {
	t.Helper()
	if digits, ok := strings.CutPrefix(line, "hex "); ok {
		digits, _, _ = strings.Cut(digits, " ")
		data, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		return string(data)
	}
	var text string
	if err := json.NewDecoder(strings.NewReader(line)).Decode(&text); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return text
}

// exampleKeys computes the keys of the example as the document says, by nothing but what it says.
func exampleKeys(t *testing.T) []digest.Digest {
	t.Helper()
	var keys []digest.Digest
	for _, block := range blocksOf(t, "text") {
		hash := sha256.New()
		var want string
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			if digest, ok := strings.CutPrefix(line, "= "); ok {
				want = digest
				continue
			}
			v := value(t, line)
			fmt.Fprintf(hash, "%d:%s,", len(v), v)
		}
		got := digest.NewDigest(digest.SHA256, hash)
		if string(got) != want {
			t.Errorf("the document says %s, and its values make %s:\n%s", want, got, block)
		}
		keys = append(keys, got)
	}
	return keys
}

// The example of the document is true: its values have the digests that it says, and they are those of its spec.
func TestDocument_example(t *testing.T) {
	want := exampleKeys(t)
	specs := blocksOf(t, "yaml")
	if len(want) != 4 || len(specs) != 1 {
		t.Fatalf("the document has %d keys and %d specs", len(want), len(specs))
	}
	w := newWorld(t)
	for name, content := range map[string]string{"pulpimg.yaml": specs[0], "hello.txt": "hello\n"} {
		if err := os.WriteFile(filepath.Join(w.dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	manifest := value(t, strings.Split(blocksOf(t, "text")[0], "\n")[4])
	w.Base = func(_ context.Context, _ *family.Image, _ *family.ImageSource, reference string, p ocispec.Platform) (*forecast.Base, error) {
		config := dockerspec.DockerOCIImage{Image: ocispec.Image{Platform: p}}
		config.Config.Env = []string{"PATH=/usr/bin:/bin"}
		return &forecast.Base{Reference: reference, Manifest: digest.Digest(manifest), Config: config}, nil
	}
	f, err := forecast.New(t.Context(), []*family.Family{familytest.Load(t, filepath.Join(w.dir, "pulpimg.yaml"))}, w.platforms, w.Sources)
	if err != nil {
		t.Fatal(err)
	}
	steps := f.Images[0].Steps
	got := []digest.Digest{f.Images[0].Start, steps[0].Key, steps[1].Key, key.Layer(steps[1].Key, w.created)}
	if !slices.Equal(got, want) {
		t.Errorf("the keys are %s, and the document says %s", got, want)
	}
}

// The document names the format of the keys, and no other.
func TestDocument_format(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("the number of the format, which is `%d`", key.Format); !strings.Contains(strings.Join(strings.Fields(string(text)), " "), want) {
		t.Errorf("the document does not say that the format is %d", key.Format)
	}
}
