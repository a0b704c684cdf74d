package dockerfile_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/render/dockerfile"
)

// Each image finds in its folder all that it copies, and nothing else is there.
func TestGenerate_context(t *testing.T) {
	var many strings.Builder
	many.WriteString(head + "    from: scratch\n    steps:\n")
	for i := range 3 {
		fmt.Fprintf(&many, "      - files: { from: file, to: /%d/Dockerfile }\n      - files: { from: file, to: /%d/FILE }\n      - files: { from: file, to: /%d/%d }\n", i, i, i, i+1)
	}
	texts, err := generateText(t, many.String())
	if err != nil {
		t.Fatal(err)
	}
	copied := regexp.MustCompile(`(?m)^COPY --link (\S+) /\S+$`).FindAllStringSubmatch(texts["i/Dockerfile"], -1)
	if len(copied) != 9 {
		t.Errorf("%d copies, want 9:\n%s", len(copied), texts["i/Dockerfile"])
	}
	for _, c := range copied {
		if _, ok := texts["i/"+c[1]]; !ok {
			t.Errorf("%s is not there", c[1])
		}
		delete(texts, "i/"+c[1])
	}
	for _, name := range []string{"i/Dockerfile", "i/Containerfile", "build.sh", "docker-bake.hcl"} {
		delete(texts, name)
	}
	if len(texts) > 0 {
		t.Errorf("nothing copies %v", texts)
	}
}

// The zero value of the options names the spec by its file and is for all architectures that there are helpers for.
func TestGenerate_zeroOptions(t *testing.T) {
	f, err := family.Load("../../../specs/pulp.yaml", family.Options{Assets: builtIn})
	if err != nil {
		t.Fatal(err)
	}
	contents := func(opts dockerfile.Options) map[string]string {
		files, err := dockerfile.Generate(t.Context(), f, opts)
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{}
		for _, file := range files {
			all[file.Path] = contentOf(t, file)
		}
		return all
	}
	want := contents(dockerfile.Options{SpecFile: "../../../specs/pulp.yaml", Archs: []string{"amd64", "arm64"}})
	if diff := cmp.Diff(want, contents(dockerfile.Options{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
