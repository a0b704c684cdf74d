package packages_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pulpimg/pulpimg/internal/packages"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/test/needs"
)

// shells are those that a base image may have as /bin/sh; bash as the SHELL of a Dockerfile often has it.
func shells() map[string][]string {
	return map[string][]string{
		"dash":    {"dash", "-euc"},
		"busybox": {"busybox", "sh", "-euc"},
		"bash":    {"bash", "-o", "pipefail", "-euc"},
	}
}

// A system is a directory with programs that stand in for package managers. They do what a shell script says, and know the database from
// the file db: a line for each package, "NAME|VERSION|ARCH|STATUS|PROVIDES|OBSOLETES".
type system struct {
	dir  string
	bins string
}

// Programs that read the database.
const (
	rpm = `case $1 in
-qp) case $5 in https://h/there.rpm|/srv/there.rpm) printf there-1-1.noarch ;; *) exit 1 ;; esac ;;
-qa) test "$2" = --qf || exit 3
  case $3 in *OBSOLETENAME*) cut -d'|' -f6 "$DIR/db"; exit ;; *FILENAMES*) cut -d'|' -f5 "$DIR/db" | tr ' ' '\n' | grep ^/; exit ;; esac
  while IFS='|' read -r n v a s p o; do
    for x in "$n" "$n.$a" "$n-${v%-*}" "$n-$v" "$n-$v.$a" $p; do echo "$x"; done
  done < "$DIR/db" ;;
-q) provides=; if test "$2" = --whatprovides; then provides=1; shift; fi
  while IFS='|' read -r n v a s p o; do
    if test -n "$provides"; then for x in $n $p; do test "$x" != "$2" || exit 0; done
    else for x in "$n" "$n-$v" "$n.$a" "$n-$v.$a"; do test "$x" != "$2" || exit 0; done; fi
  done < "$DIR/db"
  echo "package $2 is not installed"; exit 1 ;;
esac`
	dpkgQuery = `code=1; format=$3; pattern=${4:-*}
while IFS='|' read -r n v a s p o; do
  case $n in ${pattern%%:*}) code=0
    case $format in *Provides*) echo ", $p, $s" ;; *Version*) echo "$v" ;; *) echo "$s" ;; esac ;;
  esac
done < "$DIR/db"
test $code = 0 || echo "dpkg-query: no packages found matching $pattern" >&2
exit $code`
)

// newSystem has a database, and beside rpm and dpkg-query the programs that are given.
func newSystem(t *testing.T, db string, programs map[string]string) system {
	t.Helper()
	s := system{dir: t.TempDir(), bins: t.TempDir()}
	all := map[string]string{"rpm": rpm, "dpkg-query": dpkgQuery}
	maps.Copy(all, programs)
	for name, body := range all {
		s.write(t, filepath.Join(s.bins, name), "#!/bin/sh\nDIR="+s.dir+"\n"+body+"\n", 0o755)
	}
	s.write(t, filepath.Join(s.dir, "db"), db, 0o644)
	return s
}

func (s system) write(t *testing.T, name, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

// file makes a file at an absolute path of the system.
func (s system) file(t *testing.T, name, text string) {
	t.Helper()
	s.write(t, s.dir+name, text, 0o644)
}

// run runs the script of a step in the system, whose /var, /usr and /etc/apk are its own, and returns the exit code and the standard error.
func (s system) run(t *testing.T, shell []string, step family.Packages) (code int, stderr string) {
	t.Helper()
	needs.Tool(t, shell[0])
	command, err := packages.For(step)
	if err != nil {
		t.Fatal(err)
	}
	script := strings.NewReplacer(" /var/", " "+s.dir+"/var/", " /usr/lib/", " "+s.dir+"/usr/lib/", " /etc/apk/", " "+s.dir+"/etc/apk/").Replace(command.Script())
	if strings.Contains(script, "rm -rf /") && !strings.Contains(script, "rm -rf "+s.dir) {
		t.Fatalf("the script would remove files of this machine:\n%s", script)
	}
	cmd := exec.CommandContext(t.Context(), shell[0], append(shell[1:], script)...)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=" + s.bins + ":/usr/bin:/bin"}
	var out bytes.Buffer
	cmd.Stderr = &out
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}
