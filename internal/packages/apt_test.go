package packages_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/pulpimg/pulpimg/internal/packages"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/test/needs"
)

// An aptSystem is a root directory for the machine's own apt and dpkg, and a repository for it whose index can be out of order.
type aptSystem struct {
	system
	down atomic.Bool // the index answers 503; packages are there
}

func newAptSystem(t *testing.T) *aptSystem {
	t.Helper()
	needs.Tool(t, "apt-get")
	s := &aptSystem{system: system{dir: t.TempDir()}}
	files := http.FileServer(http.Dir(s.repository(t)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.down.Load() && !strings.HasSuffix(r.URL.Path, ".deb") {
			http.Error(w, "the index is being made", http.StatusServiceUnavailable)
			return
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	for _, dir := range []string{"etc/apt/apt.conf.d", "etc/apt/preferences.d", "etc/apt/sources.list.d", "etc/apt/trusted.gpg.d", "usr/share",
		"var/lib/apt/lists/partial", "var/lib/dpkg/info", "var/lib/dpkg/updates", "var/cache/apt/archives/partial", "var/log/apt"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.file(t, "/var/lib/dpkg/status", "")
	s.file(t, "/etc/apt/sources.list", "deb [trusted=yes] "+server.URL+" ./\n")
	s.file(t, "/apt.conf", fmt.Sprintf("Dir %q;\nDir::State::status %q;\nDPkg::Options {%q; \"--force-all\";};\nAcquire::Retries \"0\";\nAPT::Sandbox::User \"root\";\n",
		s.dir+"/", s.dir+"/var/lib/dpkg/status", "--root="+s.dir))
	return s
}

// repository makes a flat repository: one package needs another and recommends a third, one provides what has no package of its own, and one is
// there in two versions.
func (s *aptSystem) repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	var index strings.Builder
	for name, fields := range map[string]string{
		"tool": "Version: 1:2.0-1\nDepends: library\nRecommends: extra\n", "library": "Version: 1.0-1\n", "extra": "Version: 1.0\n",
		"mail": "Version: 3.0\nProvides: agent (= 3)\n", "twice": "Version: 1.0\n", "twice+": "Version: 2.0\n",
	} {
		name, newer := strings.CutSuffix(name, "+")
		tree := t.TempDir()
		control := "Package: " + name + "\nArchitecture: all\nMaintainer: nobody <nobody@example.com>\nDescription: test\n" + fields
		s.write(t, filepath.Join(tree, "DEBIAN", "control"), control, 0o644)
		for _, path := range []string{name, "doc/" + name + "/README", "doc/" + name + "/copyright", "man/man1/" + name + ".1"} {
			s.write(t, filepath.Join(tree, "usr", "share", path), name, 0o644)
		}
		file := filepath.Join(dir, fmt.Sprintf("%s-%t.deb", name, newer))
		if out, err := exec.CommandContext(t.Context(), "dpkg-deb", "--build", "--root-owner-group", tree, file).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		deb, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&index, "%sFilename: ./%s\nSize: %d\nSHA256: %x\n\n", control, filepath.Base(file), len(deb), sha256.Sum256(deb))
	}
	s.write(t, filepath.Join(dir, "Packages"), index.String(), 0o644)
	s.write(t, filepath.Join(dir, "Release"), fmt.Sprintf("Suite: lab\nDate: Tue, 17 Dec 2013 00:00:00 UTC\nSHA256:\n %x %d Packages\n",
		sha256.Sum256([]byte(index.String())), index.Len()), 0o644)
	return dir
}

func (s *aptSystem) install(t *testing.T, names ...string) (code int, output string) {
	t.Helper()
	return s.do(t, family.Packages{Packages: names})
}

// do runs a step of apt.
func (s *aptSystem) do(t *testing.T, step family.Packages) (code int, output string) {
	t.Helper()
	step.Manager = family.Apt
	command, err := packages.For(step)
	if err != nil {
		t.Fatal(err)
	}
	script := strings.ReplaceAll(command.Script(), " /var/", " "+s.dir+"/var/")
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-euc", script)
	cmd.Dir = s.dir
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "APT_CONFIG=" + s.dir + "/apt.conf", "DPKG_ADMINDIR=" + s.dir + "/var/lib/dpkg", "DEBIAN_FRONTEND=noninteractive"}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String()
}

// architecture returns the name that dpkg has for the architecture of this machine.
func architecture(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "dpkg", "--print-architecture").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestApt_installs(t *testing.T) {
	s := newAptSystem(t)
	arch := architecture(t)
	if code, out := s.install(t, "tool=1:2.*", "agent", "too*", "mail/lab", "mail:"+arch, "tool:"+arch+"=1:2.0-1"); code != 0 {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	states, err := os.ReadFile(filepath.Join(s.dir, "var/lib/apt/extended_states"))
	if err != nil || !strings.Contains(string(states), "Package: library\n") || strings.Contains(string(states), "Package: tool\n") {
		t.Errorf("what apt installed by itself (%v):\n%s", err, states)
	}
	for _, pattern := range []string{"var/lib/apt/lists/*", "var/cache/apt/*.bin", "var/cache/apt/archives/*.deb", "var/log/apt", "var/log/dpkg.log"} {
		if left, err := filepath.Glob(filepath.Join(s.dir, pattern)); err != nil || len(left) > 0 {
			t.Errorf("apt left %v (%v)", left, err)
		}
	}
	if code, _ := s.install(t, "tool", "no-such-package"); code == 0 {
		t.Error("a package that does not exist was installed")
	}
}

// Packages are there all the time; the repository's index is not.
func TestApt_refusesOldIndex(t *testing.T) {
	s := newAptSystem(t)
	update := exec.CommandContext(t.Context(), "apt-get", "update")
	update.Env = []string{"PATH=/usr/bin:/bin", "APT_CONFIG=" + s.dir + "/apt.conf"}
	if out, err := update.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	s.down.Store(true)
	code, out := s.install(t, "mail")
	if code != 1 || !strings.Contains(out, "apt-get update did not get every index\n") {
		t.Errorf("exit code %d, want 1 and a message about the index:\n%s", code, out)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "usr/share/mail")); err == nil {
		t.Error("a package of the old index is installed")
	}
}
