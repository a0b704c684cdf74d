package engine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	mobyuser "github.com/moby/sys/user"
)

func TestSubIDs(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []mobyuser.SubID
		free       int64 // of the error
		have       int64
	}{
		{name: "by name", text: "ann:100000:65536\njo:165536:65536\n", want: []mobyuser.SubID{{Name: "jo", SubID: 165536, Count: 65536}}},
		{name: "by number", text: "1000:165536:65536\n", want: []mobyuser.SubID{{Name: "1000", SubID: 165536, Count: 65536}}},
		{name: "several", text: "jo:100000:60000\njo:300000:6000\n",
			want: []mobyuser.SubID{{Name: "jo", SubID: 100000, Count: 60000}, {Name: "jo", SubID: 300000, Count: 6000}}},
		{name: "by name and by number", text: "jo:165536:65536\n1000:165536:65536\n", want: []mobyuser.SubID{{Name: "jo", SubID: 165536, Count: 65536}}},
		{name: "as many as are needed", text: "jo:100000:65535", want: []mobyuser.SubID{{Name: "jo", SubID: 100000, Count: 65535}}},
		{name: "too few", text: "jo:100000:65534\n", free: 165534, have: 65534},
		{name: "somebody else's", text: "ann:100000:65536\n", free: 165536},
		{name: "an empty file", free: 100000},
		{name: "damaged", text: "jo:x:y\njo\n", free: 100000},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("PATH", "") // no getsubids
			file := filepath.Join(t.TempDir(), "subuid")
			if err := os.WriteFile(file, []byte(test.text), 0o644); err != nil {
				t.Fatal(err)
			}
			got, err := subIDs(t.Context(), file, "jo", "1000")
			if test.free == 0 {
				if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
					t.Errorf("%v (-want +got):\n%s", err, diff)
				}
				return
			}
			var few *SubIDsError
			if !errors.As(err, &few) || few.Free != test.free || few.Have != test.have || few.File != file {
				t.Errorf("the error is %#v, want %d IDs and the first free one %d", few, test.have, test.free)
			}
		})
	}
}

// A directory service knows the IDs that the files do not have.
func TestSubIDs_getsubids(t *testing.T) {
	bin := t.TempDir()
	script := "#!/bin/sh\n[ \"$*\" = '-g jo' ] && echo '0: jo 100000 65536'\n"
	if err := os.WriteFile(filepath.Join(bin, "getsubids"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	got, err := subIDs(t.Context(), filepath.Join(bin, "missing"), "jo", "1000", "-g")
	want := []mobyuser.SubID{{Name: "jo", SubID: 100000, Count: 65536}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestMapping_hasEachIDOnce(t *testing.T) {
	got := mapping(1000, []mobyuser.SubID{{SubID: 100000, Count: 60000}, {SubID: 300000, Count: 6000}})
	want := strings.Fields("0 1000 1  1 100000 60000  60001 300000 6000")
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCheckSysctls(t *testing.T) {
	for _, test := range []struct {
		name, file, value string
		want              string
	}{
		{name: "none of them"},
		{name: "Debian allows it", file: "kernel/unprivileged_userns_clone", value: "1"},
		{name: "Debian forbids it", file: "kernel/unprivileged_userns_clone", value: "0", want: "kernel.unprivileged_userns_clone = 0"},
		{name: "no namespaces", file: "user/max_user_namespaces", value: "0", want: "user.max_user_namespaces = 0"},
		{name: "namespaces", file: "user/max_user_namespaces", value: "15000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			writeSetting(t, dir, test.file, test.value)
			err := checkSysctls(dir)
			var setting *SysctlError
			if errors.As(err, &setting) != (test.want != "") || setting != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want %q", err, test.want)
			}
		})
	}
}

func writeSetting(t *testing.T, dir, file, value string) {
	t.Helper()
	if file == "" {
		return
	}
	name := filepath.Join(dir, file)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(value+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestRestrictsUserns(t *testing.T) {
	for value, want := range map[string]bool{"": false, "0": false, "1": true} {
		dir := t.TempDir()
		if value != "" {
			writeSetting(t, dir, "kernel/apparmor_restrict_unprivileged_userns", value)
		}
		if got := restrictsUserns(dir); got != want {
			t.Errorf("with %q: %v", value, got)
		}
	}
}
