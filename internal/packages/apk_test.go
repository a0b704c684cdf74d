package packages_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// apkTool stands in for apk, by the rules of apk-tools 2.14 and 3.0: info -e asks for a name, or what a package provides, with or without a
// version, and prints the name of the package; del ends with 0 for what is not installed, and for what another package needs, which is
// what the file "needed" lists; update ends with the number of indexes that it did not get, and add takes no notice of those.
// https://gitlab.alpinelinux.org/alpine/apk-tools/-/tree/v3.0.6/src
const apkTool = `command=$1; shift
echo "$command" "$@" >> "$DIR/calls"
find "$DIR/var" "$DIR/etc" -type f 2>/dev/null | sed "s:^$DIR::" | sort > "$DIR/seen.$command"
case $command in
update) mkdir -p "$DIR/var/cache/apk"; echo index > "$DIR/var/cache/apk/APKINDEX.0.tar.gz"; test ! -e "$DIR/down" || exit 2 ;;
add|upgrade) ;;
del) for name in "$@"; do
    grep -q -x -F -e "$name" "$DIR/needed" 2>/dev/null || { grep -v "^$name|" "$DIR/db" > "$DIR/db.new" || :; mv "$DIR/db.new" "$DIR/db"; }
  done ;;
info) test "$1" = -e && test $# = 2 || exit 3
  name=${2%%[@<>=~]*} rest=${2#"${2%%[<>=~]*}"}; version=${rest##*[<>=~]} op=${rest%"$version"}
  while IFS='|' read -r n v a s p o; do
    for x in "$n=$v" $p; do
      test "${x%%=*}" = "$name" || continue
      case $op in
      '') ;;
      '=') test "$x" = "$name=$version" || continue ;;
      *'~'*) case ${x#*=}. in "$version".*) ;; *) continue ;; esac ;;
      *) exit 3 ;;
      esac
      echo "$n"; exit 0
    done
  done < "$DIR/db"
  exit 1 ;;
*) exit 3 ;;
esac
exit 0`

func TestScript_apk(t *testing.T) {
	const (
		db      = "curl|8.9.0-r0|x86_64||so:libcurl.so.4=4.8.0|\npython3|3.12.1-r0|x86_64||cmd:python3=3.12.1-r0 python|\n"
		missing = "apk ended without an error, but did not install: "
	)
	for _, test := range []struct {
		name     string
		packages []string
		down     bool
		want     string
	}{
		{"there", []string{"curl", "python3"}, false, ""},
		{"several are missing", []string{"wget", "curl", "bash"}, false, missing + "wget, bash\n"},
		{"a name that another begins with", []string{"cur", "python"}, false, missing + "cur\n"},
		{"a version", []string{"curl=8.9.0-r0", "python3~3.12", "python3=~3"}, false, ""},
		{"another version", []string{"curl=8.9.0-r1", "python3~3.1"}, false, missing + "curl=8.9.0-r1, python3~3.1\n"},
		{"a tag", []string{"curl@edge", "python3@edge~3.12", "wget@edge"}, false, missing + "wget@edge\n"},
		{"provided", []string{"so:libcurl.so.4", "cmd:python3=3.12.1-r0", "python"}, false, ""},
		{"not provided", []string{"so:libcurl.so.3", "cmd:python3=3.13"}, false, missing + "so:libcurl.so.3, cmd:python3=3.13\n"},
		{"an index that is not there", []string{"curl"}, true, "apk update did not get every index\n"},
	} {
		for shell, args := range shells() {
			t.Run(test.name+"/"+shell, func(t *testing.T) {
				t.Parallel()
				s := newSystem(t, db, map[string]string{"apk": apkTool})
				if test.down {
					s.file(t, "/down", "")
				}
				code, stderr := s.run(t, args, family.Packages{Manager: family.Apk, Packages: test.packages})
				wantCode := 0
				if test.want != "" {
					wantCode = 1
				}
				if diff := cmp.Diff(test.want, stderr); code != wantCode || diff != "" {
					t.Errorf("exit code %d, want %d (-want +got):\n%s", code, wantCode, diff)
				}
			})
		}
	}
}

// The index is fetched once, nothing of an earlier one is there before, and nothing of this one afterwards.
func TestScript_apkLeavesNothing(t *testing.T) {
	s := newSystem(t, "curl|1-r0|x86_64|||\ngcc|1-r0|x86_64|||\n", map[string]string{"apk": apkTool})
	for _, name := range []string{"/var/cache/apk/APKINDEX.1.tar.gz", "/etc/apk/cache/curl-1-r0.0.apk", "/var/log/apk.log", "/etc/apk/world"} {
		s.file(t, name, "old")
	}
	step := family.Packages{Manager: family.Apk, Update: true, Packages: []string{"curl"}, Remove: []string{"gcc"}}
	if code, stderr := s.run(t, []string{"busybox", "sh", "-euc"}, step); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	read := func(name string) string {
		data, err := os.ReadFile(filepath.Join(s.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	calls := strings.Split(strings.TrimSpace(read("calls")), "\n")
	if diff := cmp.Diff([]string{"update", "upgrade", "add curl", "info -e gcc", "del gcc", "info -e gcc", "info -e curl"}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("/etc/apk/world\n/var/log/apk.log\n", read("seen.update")); diff != "" {
		t.Errorf("files before (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff("/etc/apk/world\n/var/cache/apk/APKINDEX.0.tar.gz\n/var/log/apk.log\n", read("seen.add")); diff != "" {
		t.Errorf("files for add (-want +got):\n%s", diff)
	}
	for _, pattern := range []string{"var/cache/apk/*", "etc/apk/cache/*", "var/log/apk.log"} {
		if left, err := filepath.Glob(filepath.Join(s.dir, pattern)); err != nil || len(left) > 0 {
			t.Errorf("the step left %v (%v)", left, err)
		}
	}
}
