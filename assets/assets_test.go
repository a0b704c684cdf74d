package assets_test

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/assets"
	"github.com/pulpimg/pulpimg/test/needs"
)

func TestTheAssetsHoldTheLens(t *testing.T) {
	data, err := fs.ReadFile(assets.FS(), "pulpconf.aug")
	if err != nil || len(data) == 0 {
		t.Errorf("pulpconf.aug: %d bytes, %v", len(data), err)
	}
}

// A wrong digest would have images made of one helper and called after another.
func TestTheDigestOfAHelperIsThatOfItsBytes(t *testing.T) {
	helpers, err := fs.Glob(assets.FS(), "helper/pulp-helper-linux-*64")
	if err != nil {
		t.Fatal(err)
	}
	if len(helpers) == 0 {
		t.Skip("no helper is compiled: make does that")
	}
	for _, name := range helpers {
		data, err := fs.ReadFile(assets.FS(), name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := assets.FS().Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		known, ok := file.(interface{ SHA256() [sha256.Size]byte })
		if !ok {
			t.Errorf("%s has no digest beside it: make writes it", name)
		} else if got, want := known.SHA256(), sha256.Sum256(data); got != want {
			t.Errorf("%s has the digest %x, and beside it is %x: make writes it again", name, want, got)
		}
	}
}

// The tests themselves are written in the language of Augeas' lenses.
func TestTheLensesPassTheirTests(t *testing.T) {
	needs.Tool(t, "augparse")
	tests, err := filepath.Glob("testdata/test_*.aug")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	for _, test := range tests {
		out, err := exec.CommandContext(t.Context(), "augparse", "--nostdinc", "--include", ".", test).CombinedOutput()
		if err != nil {
			t.Errorf("augparse %s: %v\n%s", test, err, out)
		}
	}
}

func TestTheWholeFileOfTheLensTestIsTheOneBesideIt(t *testing.T) {
	conf, err := os.ReadFile("testdata/server.conf")
	if err != nil {
		t.Fatal(err)
	}
	test, err := os.ReadFile("testdata/test_server_conf.aug")
	if err != nil {
		t.Fatal(err)
	}
	if quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(string(conf)); !strings.Contains(string(test), `"`+quoted+`"`) {
		t.Error("test_server_conf.aug does not have the text of server.conf")
	}
}
