package packages_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// removes stands in for a package manager that removes the packages behind a word, and what the file "dependents" has for them, but not what
// the file "needed" has. It always ends with 0.
func removes(word string) string {
	return `found=; for name in "$@"; do
  if test "$name" = ` + word + `; then found=1; elif test -n "$found"; then
    dependent=$(sed -n "s/^$name //p" "$DIR/dependents" 2>/dev/null || :)
    grep -q -x -F -e "$name" "$DIR/needed" 2>/dev/null ||
    { grep -v -e "^$name|" -e "^${dependent:-none}|" "$DIR/db" > "$DIR/db.new" || :; mv "$DIR/db.new" "$DIR/db"; }
  fi
done; exit 0`
}

func TestScript_remove(t *testing.T) {
	const db = "curl|1-1|x86_64|install ok installed||\ngcc|14-1|x86_64|install ok installed|compiler|\nvim|9-1|x86_64|install ok installed||\n"
	for _, test := range []struct {
		name              string
		packages, remove  []string
		needed, dependent string
		want              string // after the name of the program where it begins with a blank
	}{
		{"gone", []string{"curl"}, []string{"gcc", "vim"}, "", "", ""},
		{"removed alone", nil, []string{"gcc"}, "", "", ""},
		{"not installed", []string{"curl"}, []string{"gcc", "gpp", "emacs"}, "", "", "these cannot be removed, because they are not installed: gpp, emacs\n"},
		{"only provided", nil, []string{"compiler"}, "", "", "these cannot be removed, because they are not installed: compiler\n"},
		{"still needed", []string{"curl"}, []string{"gcc", "vim"}, "gcc\n", "", " ended without an error, but did not remove: gcc\n"},
		{"taken along", []string{"curl"}, []string{"gcc"}, "", "gcc curl\n", " ended without an error, but did not install, or removed with what it needs: curl\n"},
	} {
		for shell, args := range shells() {
			for manager, tool := range map[family.PackageManager]string{family.Yum: "yum", family.DNF: "dnf", family.Apt: "apt-get", family.Apk: "apk"} {
				if manager == family.Apk && test.dependent != "" {
					continue // apk never removes what something needs
				}
				t.Run(test.name+"/"+shell+"/"+tool, func(t *testing.T) {
					t.Parallel()
					s := newSystem(t, db, map[string]string{"yum": removes("remove"), "dnf": removes("remove"), "apt-get": removes("purge"), "apk": apkTool})
					s.file(t, "/needed", test.needed)
					s.file(t, "/dependents", test.dependent)
					code, stderr := s.run(t, args, family.Packages{Manager: manager, Packages: test.packages, Remove: test.remove})
					want, wantCode := test.want, 0
					if want != "" {
						wantCode = 1
					}
					if want != "" && want[0] == ' ' {
						want = tool + want
					}
					if diff := cmp.Diff(want, stderr); code != wantCode || diff != "" {
						t.Errorf("exit code %d, want %d (-want +got):\n%s", code, wantCode, diff)
					}
				})
			}
		}
	}
}
