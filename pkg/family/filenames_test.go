package family_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestResolve_unusableNames(t *testing.T) {
	long, longPath := strings.Repeat("n", 256), strings.Repeat("/"+strings.Repeat("d", 250), 17)
	const whiteout = ` begins with ".wh.": in a layer, such a name deletes files of the layers below`
	const hint = " (it is a path in the image, from the root)"
	for _, test := range []struct{ name, yaml, want string }{
		{"a file", step(`files: {from: f, to: /etc/.wh.passwd}`), `f.yaml:8:37: the destination "/etc/.wh.passwd" has a part that` + whiteout + hint},
		{"an opaque directory", step(`files: {from: f, to: /etc/.wh..wh..opq}`), `f.yaml:8:37: the destination "/etc/.wh..wh..opq" has a part that` + whiteout + hint},
		{"a directory above", step(`files: {from: f, to: /.wh.etc/f}`), `f.yaml:8:37: the destination "/.wh.etc/f" has a part that` + whiteout + hint},
		{"a fetched file", step(`repo: {url: "https://h/x", to: /etc/.wh.x}`), `f.yaml:8:47: the file "/etc/.wh.x" has a part that` + whiteout + hint},
		{"a written file", step(`repo: {baseurl: "https://h/x", id: x, to: /etc/.wh.x}`), `f.yaml:8:58: the file "/etc/.wh.x" has a part that` + whiteout + hint},
		{"a value of a variable", head + "variables: {v: {default: .wh.x}}\nimages: {a: {from: scratch, steps: [files: {from: f, to: \"/${{ v }}\"}]}}\n",
			`f.yaml:6:58: the destination "/.wh.x" has a part that` + whiteout + hint},
		{"a copied file", step(`files: {from: white, to: /t}`), `f.yaml:8:30: "white" cannot be copied: the name ".wh.a"` + whiteout},
		{"a copied directory", step(`files: {from: whitedir, to: /t}`), `f.yaml:8:30: "whitedir" cannot be copied: the name ".wh..wh..opq"` + whiteout},
		{"a copied link", step(`files: {from: whitelink, to: /t}`), `f.yaml:8:30: "whitelink" cannot be copied: the name ".wh.l"` + whiteout},
		{"a file into a directory", step(`files: {from: white/.wh.a, to: /t/}`), `f.yaml:8:30: "white/.wh.a" cannot be copied: the name ".wh.a"` + whiteout},

		{"a Latin-1 name", step(`files: {from: latin, to: /t}`), `f.yaml:8:30: "latin" cannot be copied: the name "caf\xe9" is not UTF-8, and a layer's names have to be`},
		{"a Latin-1 directory", step(`files: {from: latindir, to: /t}`), `f.yaml:8:30: "latindir" cannot be copied: the name "caf\xe9" is not UTF-8, and a layer's names have to be`},
		{"a Latin-1 target", step(`files: {from: latinlink, to: /t}`),
			`f.yaml:8:30: "latinlink" cannot be copied: the symbolic link l leads to "caf\xe9", which is not UTF-8, and what a layer holds has to be`},
		{"a long name", step(`files: {from: f, to: /` + long + `}`),
			`f.yaml:8:37: the destination "/` + long + `" has a part that has more than 255 bytes, which no file system takes` + hint},
		{"a long path", step(`files: {from: f, to: ` + longPath + `}`),
			`f.yaml:8:37: the destination "` + longPath + `" has more than 4095 bytes, which no system takes` + hint},
		{"a long path in all", step(`files: {from: d, to: ` + longPath[:4000] + `/}`), `f.yaml:8:30: "d" cannot be copied: a path in it has more than 4095 bytes`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := resolve(t, test.yaml, family.Options{Dir: oddNames(t)})
			if err == nil || err.Error() != test.want {
				t.Errorf("error %v\nwant  %s", err, test.want)
			}
		})
	}
}

// oddNames returns a folder with names that no layer can hold.
func oddNames(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"f": "f", "white/.wh.a": "", "whitedir/.wh..wh..opq/f": "", "whitelink/f": "", "latin/caf\xe9": "", "latindir/caf\xe9/f": "", "latinlink/f": "",
		"d/" + strings.Repeat("n", 120): "",
	})
	link(t, "f", filepath.Join(dir, "whitelink/.wh.l"))
	link(t, "caf\xe9", filepath.Join(dir, "latinlink/l"))
	return dir
}

func TestResolve_unusualNames(t *testing.T) {
	dir := t.TempDir()
	names := []string{"a\nb", "a\tb", "\x07", " ", "*", "[a]", "\\", "é", ".wh", "wh.a", ".w", "..a", "a.wh.b", strings.Repeat("n", 255)}
	var want []string
	for _, name := range names {
		write(t, dir, map[string]string{"d/" + name: ""})
		want = append(want, "/t/"+name)
	}
	f := mustResolve(t, step(`files: [{from: d, to: /t}, {from: d/a.wh.b, to: /u/.wh}, {from: d, to: /.w/wh.a}]`), family.Options{Dir: dir})
	got := map[string]bool{}
	for _, file := range f.Images[0].Steps[0].(family.Files).Files {
		got[file.Path] = true
	}
	for _, name := range append(want, "/u/.wh", "/.w/wh.a/é") {
		if !got[name] {
			t.Errorf("%q is not copied", name)
		}
	}
}
