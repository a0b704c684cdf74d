package assets_test

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pulpimg/pulpimg/assets"
)

func TestTheAssetsHoldTheLens(t *testing.T) {
	data, err := fs.ReadFile(assets.FS(), "pulpconf.aug")
	if err != nil || len(data) == 0 {
		t.Errorf("pulpconf.aug: %d bytes, %v", len(data), err)
	}
}

// The tests themselves are written in the language of Augeas' lenses.
func TestTheLensesPassTheirTests(t *testing.T) {
	tests, err := filepath.Glob("testdata/test_*.aug")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	for _, test := range tests {
		out, err := exec.CommandContext(t.Context(), "augparse", "--nostdinc", "--include", ".", "--include", "/usr/share/augeas/lenses/dist", test).CombinedOutput()
		if err != nil {
			t.Errorf("augparse %s: %v\n%s", test, err, out)
		}
	}
}
