//go:build linux

package process_test

import (
	"os"
	"os/user"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pulpimg/pulpimg/pkg/startup/process"
)

func TestEnvironment_ForUser(t *testing.T) {
	daemon, err := user.Lookup("daemon")
	if err != nil {
		t.Fatal(err)
	}
	self, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	home, none := "HOME="+daemon.HomeDir, "HOME=/"
	for _, test := range []struct {
		name string
		user string
		env  []string
		want []string
	}{
		{"nothing is given", "daemon", []string{"A=1"}, []string{"A=1", home, "USER=daemon", "LOGNAME=daemon"}},
		{"the runtime's HOME is not the user's", "daemon", []string{"HOME=" + self.HomeDir, "A=1"}, []string{home, "A=1", "USER=daemon", "LOGNAME=daemon"}},
		{"a HOME that was given stays", "daemon", []string{"HOME=/srv"}, []string{"HOME=/srv", "USER=daemon", "LOGNAME=daemon"}},
		{"so do the names", "daemon", []string{"USER=u", "LOGNAME=l", "HOME=/h"}, []string{"USER=u", "LOGNAME=l", "HOME=/h"}},
		{"an empty value is none", "daemon", []string{"HOME=", "USER=", "A="}, []string{home, "USER=daemon", "A=", "LOGNAME=daemon"}},
		{"no user", "", []string{"HOME=" + self.HomeDir, "A=1"}, []string{"HOME=" + self.HomeDir, "A=1"}},
		{"no user and no HOME", "", []string{"A=1"}, []string{"A=1"}},
		{"a number that is nobody's", "54321", []string{"A=1"}, []string{"A=1", none}},
		{"what a shell cannot have", "daemon", []string{"my.setting=1", "a-b=2", "UID=7", "=x", "odd", "A=1", "A=2", "HOME=/h"},
			[]string{"my.setting=1", "a-b=2", "UID=7", "=x", "odd", "A=1", "A=2", "HOME=/h", "USER=daemon", "LOGNAME=daemon"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			env := process.NewEnvironment(test.env)
			if err := env.ForUser(test.user); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, env.List()); diff != "" {
				t.Errorf("environment (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnvironment_Set(t *testing.T) {
	self, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	env := process.NewEnvironment([]string{"HOME=" + self.HomeDir, "A=", "B=1", "B=2"})
	if home := env.Get("HOME"); home != "" {
		t.Errorf("HOME is %q, although nobody gave one", home)
	}
	env.Set("HOME", self.HomeDir)
	env.Set("A", "a")
	env.Set("C", "c")
	if home, b := env.Get("HOME"), env.Get("B"); home != self.HomeDir || b != "1" {
		t.Errorf("HOME is %q, B is %q", home, b)
	}
	if err := env.ForUser("daemon"); err != nil {
		t.Fatal(err)
	}
	want := []string{"HOME=" + self.HomeDir, "A=a", "B=1", "B=2", "C=c", "USER=daemon", "LOGNAME=daemon"}
	if diff := cmp.Diff(want, env.List()); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
}

func TestEnviron(t *testing.T) {
	if diff := cmp.Diff(os.Environ(), process.Environ().List()); diff != "" {
		t.Errorf("-package os +got:\n%s", diff)
	}
}
