package depcheck

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// `go install MODULE/cmd/pulpimg@VERSION` refuses a module that replaces others.
func TestModule_canBeInstalled(t *testing.T) {
	got := list(t, "-m", "-f", "{{if .Replace}}{{.Path}}{{end}}", "all")
	if diff := cmp.Diff([]string{}, got); diff != "" {
		t.Errorf("replaced modules (-want +got):\n%s", diff)
	}
}
