package family

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pulpimg/pulpimg/internal/ignore"
	"github.com/pulpimg/pulpimg/pkg/spec"
)

// The bound on files is for all copies of a spec together.
func TestCopies_limit(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b", "c"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	report := spec.NewReport("f.yaml")
	b := newBudget(report)
	b.files = 6
	r := &resolver{report: report, budget: b, substitute: substituter{report: report, budget: b}, folder: folder{dir: dir},
		ignored: func() (ignore.Patterns, error) { return ignore.Patterns{}, nil }}
	text := func(s string, line int) spec.Text {
		at := spec.Position{Line: line, Column: 1}
		return spec.Text{Value: s, At: spec.Range{Start: at, End: at}}
	}
	for line := 1; line <= 4; line++ {
		r.copies(spec.Step{Files: []spec.Copy{{From: text(".", line), To: text("/t", line)}}})
	}
	err := report.Err()
	if want := `f.yaml:3:1: "." cannot be copied: all copies of the spec together bring more than 500000 files`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
}
