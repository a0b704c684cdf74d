package packages_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/family"
)

// installed returns the packages of the system with their versions.
func (s *aptSystem) installed(t *testing.T) []string {
	t.Helper()
	status, err := os.ReadFile(filepath.Join(s.dir, "var/lib/dpkg/status"))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for entry := range strings.SplitSeq(string(status), "\n\n") {
		fields := map[string]string{}
		for line := range strings.SplitSeq(entry, "\n") {
			name, value, _ := strings.Cut(line, ": ")
			fields[name] = value
		}
		if fields["Status"] == "install ok installed" {
			out = append(out, fields["Package"]+"="+fields["Version"])
		}
	}
	slices.Sort(out)
	return out
}

// mustDo runs steps of apt one after the other, and expects that all of them succeed.
func (s *aptSystem) mustDo(t *testing.T, steps ...family.Packages) {
	t.Helper()
	for _, step := range steps {
		if code, out := s.do(t, step); code != 0 {
			t.Fatalf("exit code %d:\n%s", code, out)
		}
	}
}

func TestApt_options(t *testing.T) {
	yes, no := true, false
	for _, test := range []struct {
		name  string
		steps []family.Packages
		want  []string
	}{
		{"no recommended packages", []family.Packages{{Packages: []string{"tool"}}}, []string{"library=1.0-1", "tool=1:2.0-1"}},
		{"recommended packages", []family.Packages{{Packages: []string{"tool"}, Recommends: &yes}}, []string{"extra=1.0", "library=1.0-1", "tool=1:2.0-1"}},
		{"an update alone", []family.Packages{{Packages: []string{"twice=1.0"}}, {Update: true}}, []string{"twice=2.0"}},
		{"no update", []family.Packages{{Packages: []string{"twice=1.0"}}, {Packages: []string{"mail"}}}, []string{"mail=3.0", "twice=1.0"}},
		{"an update before", []family.Packages{{Packages: []string{"twice=1.0"}}, {Update: true, Packages: []string{"mail"}}}, []string{"mail=3.0", "twice=2.0"}},
		{"removed with what was only installed for it", []family.Packages{{Packages: []string{"tool"}}, {Packages: []string{"mail"}, Remove: []string{"tool"}}}, []string{"mail=3.0"}},
		{"removed alone", []family.Packages{{Packages: []string{"tool", "mail"}}, {Remove: []string{"mail"}, Docs: &no}}, []string{"library=1.0-1", "tool=1:2.0-1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newAptSystem(t)
			s.mustDo(t, test.steps...)
			if diff := cmp.Diff(test.want, s.installed(t)); diff != "" {
				t.Errorf("packages (-want +got):\n%s", diff)
			}
		})
	}
}

// What apt removes with a package is missing when the step installs it, and what is not there cannot be removed.
func TestApt_refusesRemovals(t *testing.T) {
	s := newAptSystem(t)
	if code, out := s.do(t, family.Packages{Packages: []string{"tool"}, Remove: []string{"library"}}); code != 1 ||
		!strings.Contains(out, "apt-get ended without an error, but did not install, or removed with what it needs: tool\n") {
		t.Errorf("exit code %d, want 1 and a message about tool:\n%s", code, out)
	}
	if code, out := s.do(t, family.Packages{Remove: []string{"mail"}}); code != 1 || !strings.Contains(out, "these cannot be removed, because they are not installed: mail\n") {
		t.Errorf("exit code %d, want 1 and a message about mail:\n%s", code, out)
	}
}

func TestApt_docs(t *testing.T) {
	yes, no := true, false
	s := newAptSystem(t)
	s.mustDo(t, family.Packages{Packages: []string{"mail"}}, family.Packages{Packages: []string{"library"}, Docs: &no})
	// What an image leaves out, dpkg is told by its configuration, or here by an option that apt has before those of the step.
	config, err := os.ReadFile(filepath.Join(s.dir, "apt.conf"))
	if err != nil {
		t.Fatal(err)
	}
	s.file(t, "/apt.conf", string(config)+"DPkg::Options {\"--path-exclude=/usr/share/*\";};\n")
	s.mustDo(t, family.Packages{Packages: []string{"extra"}, Docs: &yes})
	var got []string
	for _, pattern := range []string{"*", "doc/*/*", "man/*/*"} {
		found, err := filepath.Glob(filepath.Join(s.dir, "usr/share", pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range found {
			if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
				got = append(got, strings.TrimPrefix(name, s.dir+"/usr/share/"))
			}
		}
	}
	slices.Sort(got)
	want := []string{"doc/extra/README", "doc/extra/copyright", "doc/library/copyright", "doc/mail/README", "doc/mail/copyright", "library", "mail", "man/man1/extra.1", "man/man1/mail.1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}
