package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ownBaseSteps are what a base consists of, in the forms that an engine puts together in ways of its own. Each %[1]s is another one
// for every image.
var ownBaseSteps = []string{`
      - run: echo %[1]s > /said`, `
      - run: echo %[1]s > /said
      - run: echo once more, %[1]s >> /said`, `
      - files: { from: file, to: /etc/first }
      - run: echo %[1]s > /said
      - run: echo once more, %[1]s >> /said
      - files: { from: file, to: /etc/last }`, `
      - run: echo %[1]s > /said
      - files: { from: file, to: /etc/between }
      - run: echo once more, %[1]s >> /said`,
}

// eachForm is how often each form is tried: which of several equal entries an engine takes depends on their random names.
const eachForm = 3

// ownBaseFamily is a family of one image for each form and time, with the base and the steps that it is given for it.
func ownBaseFamily(name string, image func(n int) (from, steps string)) string {
	var b strings.Builder
	fmt.Fprintf(&b, "version: 1\nname: %s\nregistry: docker.io/lab\ntag: \"1\"\nimages:\n", name)
	for n := range len(ownBaseSteps) * eachForm {
		from, steps := image(n)
		fmt.Fprintf(&b, "  %s-%d:\n    from: %s\n    steps:%s\n", name, n, from, steps)
	}
	return b.String()
}

// An image that was built here can be a base, with all its layers.
func TestBuild_onItsOwnImages(t *testing.T) {
	env.lanes.warm.enter(t)
	place := registry(t)
	files := map[string]string{"file": "some text\n"}
	specs := []string{
		ownBaseFamily("first", func(n int) (string, string) {
			return "docker.io/library/fedora:20", fmt.Sprintf(ownBaseSteps[n/eachForm], fmt.Sprintf("image %d", n))
		}),
		ownBaseFamily("second", func(n int) (string, string) {
			return fmt.Sprintf("%s/first-%d:1", place, n), `
      - files: { from: file, to: /etc/second }`
		}),
		ownBaseFamily("third", func(n int) (string, string) {
			return fmt.Sprintf("%s/second-%d:1", place, n), fmt.Sprintf(`
      - run: grep "image %d" /said && test -s /etc/second && echo third > /third`, n)
		}),
	}
	below := make([][]string, len(ownBaseSteps)*eachForm)
	for generation, name := range []string{"first", "second", "third"} {
		warm().build(t, "-f", specFile(t, specs[generation], files), "--registry", place, "--push").ok(t)
		for n := range below {
			got := layerDigests(t, image(t, fmt.Sprintf("%s/%s-%d:1", place, name, n)))
			if len(got) <= len(below[n]) {
				t.Errorf("%s-%d has %d layers, and its base has %d", name, n, len(got), len(below[n]))
			} else if diff := cmp.Diff(below[n], got[:len(below[n])]); diff != "" && generation > 0 {
				t.Errorf("%s-%d: its first layers are not those of its base (-want +got):\n%s", name, n, diff)
			}
			below[n] = got
		}
	}
}
