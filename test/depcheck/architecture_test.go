package depcheck

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// described is a line of the list of packages in the document: a path and what is there.
var described = regexp.MustCompile(`(?m)^    ((?:assets|cmd|internal|pkg|templates)\S*) +\S`)

func TestArchitecture_listsThePackages(t *testing.T) {
	document, err := os.ReadFile(filepath.Join(root, "docs", "architecture.md"))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, match := range described.FindAllStringSubmatch(string(document), -1) {
		got[match[1]]++
	}
	want := map[string]int{}
	for pkg := range table {
		want[pkg] = 1
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("how often docs/architecture.md lists each package (-want +listed):\n%s", diff)
	}
}
