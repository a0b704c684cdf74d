package main

import (
	"bytes"
	"runtime/debug"
	"testing"
)

func TestVersion_print(t *testing.T) {
	for _, test := range []struct {
		name string
		info versionInfo
		want string
	}{
		{"with an engine", versionInfo{Version: "1.2.3", BuildKit: "v0.1.0", Runc: "v1.0.0", Go: "go1.26", Platform: "linux/arm64"},
			"pulpimg version 1.2.3\nbuildkit  v0.1.0\nrunc      v1.0.0\ngo        go1.26\nplatform  linux/arm64\n"},
		{"without, on another system", versionInfo{Version: "1.2.3", Go: "go1.26", Platform: "darwin/arm64"},
			"pulpimg version 1.2.3\nengine    none in this program: give one with --engine ADDRESS\ngo        go1.26\nplatform  darwin/arm64\n"},
		{"without, on Linux", versionInfo{Version: "1.2.3", Go: "go1.26", Platform: "linux/amd64"},
			"pulpimg version 1.2.3\nengine    none in this program: " + wholeProgram + ", or give an engine with --engine ADDRESS\ngo        go1.26\nplatform  linux/amd64\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var out bytes.Buffer
			if err := test.info.print(console{out: &out}); err != nil {
				t.Fatal(err)
			}
			if out.String() != test.want {
				t.Errorf("got\n%swant\n%s", out.String(), test.want)
			}
		})
	}
}

func TestModuleVersion(t *testing.T) {
	for _, test := range []struct {
		name  string
		build *debug.BuildInfo
		want  string
	}{
		{"go install of a tag", &debug.BuildInfo{Main: debug.Module{Version: "v1.2.3-rc.1"}}, "1.2.3-rc.1"},
		{"go install of a commit", &debug.BuildInfo{Main: debug.Module{Version: "v0.0.0-20260102030405-0123456789ab"}}, "0.0.0-20260102030405-0123456789ab"},
		{"go build in a directory", &debug.BuildInfo{Main: debug.Module{Version: "(devel)"}}, "0.0.0-dev"},
		{"without modules", nil, "0.0.0-dev"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := moduleVersion(test.build); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
