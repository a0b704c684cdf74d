package migrate

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/spec"
)

// document is the page about idioms.
const document = "../../docs/migrating.md"

var (
	code = regexp.MustCompile("`[^`]+`")
	// A key stands at the beginning of what is written in a spec.
	key = regexp.MustCompile(`^[a-z]+: `)
)

// contexts are where in a spec something may stand, with %s in its place.
var contexts = []string{
	"images: { i: { from: scratch } }\n%s",
	"images:\n  i:\n    from: scratch\n    %s",
	"images:\n  i:\n    %s",
	"images:\n  i:\n    from: scratch\n    publish: false\n    %s",
	"images:\n  i:\n    from: scratch\n    steps:\n      - %s",
}

// What the tables say to write in a spec can be written there.
func TestIdioms(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for n, line := range strings.Split(string(text), "\n") {
		_, right, ok := strings.Cut(strings.TrimSuffix(line, " |"), " | ")
		if !ok || !strings.HasPrefix(line, "| ") {
			continue
		}
		for _, span := range code.FindAllString(right, -1) {
			idiom := strings.ReplaceAll(strings.Trim(span, "`"), `\|`, "|")
			if !key.MatchString(idiom) {
				continue
			}
			count++
			if err := valid(idiom); err != nil {
				t.Errorf("%s:%d: %s: %v", document, n+1, idiom, err)
			}
		}
	}
	if count < 50 {
		t.Errorf("the tables say %d things", count)
	}
}

// valid returns why something can stand nowhere in a spec.
func valid(idiom string) (err error) {
	for _, context := range contexts {
		text := "version: 1\nname: n\nregistry: example.com\ntag: t\n" + fmt.Sprintf(context, idiom) + "\n"
		if _, err = spec.Parse("spec.yaml", []byte(text)); err == nil {
			return nil
		}
	}
	return err
}

func TestValid(t *testing.T) {
	for idiom, want := range map[string]bool{
		"publish: false": true, "from: build": true, "run: make": true, "variables: { v: {} }": true,
		"no: key": false, "files: { form: a, to: /b }": false, "run: { command: a b }": false,
	} {
		if err := valid(idiom); (err == nil) != want {
			t.Errorf("%s: %v", idiom, err)
		}
	}
}
