package main

import (
	"bytes"
	"testing"
)

func TestVersion_print(t *testing.T) {
	for _, test := range []struct {
		name string
		info versionInfo
		want string
	}{
		{"with an engine", versionInfo{Version: "v1.2.3", BuildKit: "v0.1.0", Runc: "v1.0.0", Go: "go1.26", Platform: "linux/arm64"},
			"pulpimg version v1.2.3\nbuildkit  v0.1.0\nrunc      v1.0.0\ngo        go1.26\nplatform  linux/arm64\n"},
		{"without", versionInfo{Version: "v1.2.3", Go: "go1.26", Platform: "darwin/arm64"},
			"pulpimg version v1.2.3\nengine    none in this program: give one with --engine ADDRESS\ngo        go1.26\nplatform  darwin/arm64\n"},
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
