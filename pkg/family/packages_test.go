package family_test

import (
	"testing"

	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestPackageNames(t *testing.T) {
	for tool, names := range map[string][]string{
		"yum": {
			"vim", "vim-8.0.1-1.el7", "glibc.i686", "1:vim-8", "vim-1:8-1", "gtk+", "libstdc++-devel", "python3-*", "x?", "perl(Foo::Bar)", "libc.so.6()(64bit)",
			"font(:lang=en)", "/usr/bin/vim", "/opt/x-1%2B1.rpm", "x.rpm", "https://dl.example.com/pub/epel-release-latest-7.noarch.rpm?x=1", "@web-server", "@^web-server-environment",
		},
		"apt": {
			"vim", "g++", "libstdc++6", "libc6:i386", "vim=2:9.0.1378-2+deb12u2", "vim=2:9.*", "vim=1~rc1", "vim/stable", "vim/bookworm-backports", "lib*dev", "x?", "/srv/x_1.0%2b1_all.deb",
		},
	} {
		for _, name := range names {
			t.Run(tool+" "+name, func(t *testing.T) {
				if _, err := resolve(t, step(tool+`: {packages: ["`+name+`"]}`), family.Options{}); err != nil {
					t.Error(err)
				}
			})
		}
	}
}
