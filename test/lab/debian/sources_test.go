package debian

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

func TestSourcesKeepsDebiansOwnSuitesAndNothingElse(t *testing.T) {
	const want = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\n" +
		"Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
	for name, tc := range map[string]struct {
		files map[string]string
		want  string
	}{
		"a deb822 file, comments and other suites": {
			files: map[string]string{"sources.list.d/debian.sources": "# snapshot\nTypes: deb deb-src\n# old: http://x\nURIs: http://mirror.example/debian\n" +
				"Suites: bookworm bookworm-updates bookworm-backports\nComponents: main contrib\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"},
			want: want,
		},
		"a disabled stanza is skipped": {
			files: map[string]string{"sources.list.d/debian.sources": "Types: deb\nURIs: http://old.example\nSuites: bookworm\nComponents: main\nEnabled: no\n\n" + want},
			want:  want,
		},
		"one-line sources": {
			files: map[string]string{"sources.list": "deb-src http://mirror.example/debian bookworm main\n" +
				"deb [arch=amd64 signed-by=/k.gpg] http://mirror.example/debian bookworm-security main non-free # why\n"},
			want: "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm-security\nComponents: main\nSigned-By: /k.gpg\n",
		},
		"other vendors are left out": {
			files: map[string]string{
				"sources.list":                     "deb http://mirror.example/debian bookworm main\n",
				"sources.list.d/docker.list":       "deb http://vendor.example/linux/debian bookworm stable\n",
				"sources.list.d/cloud.list":        "deb http://vendor.example/apt cloud-bookworm main\n",
				"sources.list.d/nodistro.sources":  "Types: deb\nURIs: http://vendor.example\nSuites: nodistro\nComponents: main\n",
				"sources.list.d/ignored.list.save": "deb http://old.example/debian bookworm main\n",
			},
			want: "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			etc := fstest.MapFS{}
			for name, text := range tc.files {
				etc[name] = &fstest.MapFile{Data: []byte(text)}
			}
			got, err := Sources(etc, "bookworm")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("sources (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSourcesOfAnotherReleaseAreAnError(t *testing.T) {
	etc := fstest.MapFS{"sources.list": {Data: []byte("deb http://mirror.example/debian trixie main\n")}}
	if got, err := Sources(etc, "bookworm"); err == nil {
		t.Errorf("Sources = %q, want an error", got)
	}
}
