package build

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/familytest"
	"github.com/pulpimg/pulpimg/pkg/family"
)

func TestPlain(t *testing.T) {
	for _, test := range []struct{ message, want string }{
		{"failed to solve: invalid response status 404", "invalid response status 404"},
		{`failed to solve: process "/bin/sh -euc yum install \"x\"" did not complete successfully: exit code: 1`,
			"the command did not complete successfully: exit code: 1"},
		{"rpc error: code = Unknown desc = failed to load LLB: nothing", "nothing"},
		{"a failed to solve: b", "a failed to solve: b"},
	} {
		if got := plain(errors.New(test.message)); got != test.want {
			t.Errorf("plain(%q) = %q, want %q", test.message, got, test.want)
		}
	}
}

func TestLastLines_asTerminalShows(t *testing.T) {
	var out lastLines
	for range 100 {
		out.add("an early line\n")
	}
	out.add("10%\r50%\r100%\r\nhalf ")
	out.add("a \x1b[1;31mline\x1b[m\n\n  \nno end\x1b[K")
	got := out.last()
	if len(got) > maxLastLines+1 {
		t.Errorf("%d lines, want %d at most", len(got), maxLastLines+1)
	}
	if diff := cmp.Diff([]string{"100%", "half a line", "no end"}, got[len(got)-3:]); diff != "" {
		t.Errorf("the last lines (-want +got):\n%s", diff)
	}
}

func TestRunnable(t *testing.T) {
	amd64 := ocispec.Platform{OS: "linux", Architecture: "amd64"}
	arm64 := ocispec.Platform{OS: "linux", Architecture: "arm64"}
	files := &family.Family{Images: []*family.Image{{Name: "files", Steps: []family.Step{family.Files{}}}}}
	runs := &family.Family{Images: []*family.Image{{Name: "runs", Steps: []family.Step{family.Run{}}}}}
	if err := runnable(files, []ocispec.Platform{arm64}, []ocispec.Platform{amd64}); err != nil {
		t.Errorf("files for another platform: %v", err)
	}
	if err := runnable(runs, []ocispec.Platform{amd64}, []ocispec.Platform{amd64}); err != nil {
		t.Errorf("a command for the engine's platform: %v", err)
	}
	var platform *PlatformError
	if err := runnable(runs, []ocispec.Platform{amd64, arm64}, []ocispec.Platform{amd64}); !errors.As(err, &platform) || platform.Platform != "linux/arm64" || platform.Image != "runs" {
		t.Errorf("a command for another platform: %v", err)
	}
}

func TestFailure_placeOfBase(t *testing.T) {
	const spec = "version: 1\nname: f\nregistry: r\ntag: t\nvariables: {base: {default: \"h/b:1\"}}\nimages:\n  a:\n    from: "
	for _, test := range []struct{ from, text, want string }{
		{`"h.example/b:1"`, "dial tcp: connection refused", "f.yaml:8:11: "},
		{`"h.example/b:1"`, "dial tcp: connection refused", "(name another one here, or let a source policy take it from elsewhere (--source-policy))"},
		{`"h.example/${{ base }}"`, "dial tcp: connection refused", "(choose another one with --set base=...)"},
		{`"h.example/b:1"`, "401 Unauthorized", "(its registry wants other credentials: docker login h.example)"},
	} {
		f := familytest.Parse(t, spec+test.from+"\n")
		if got := failure(&BaseError{Image: f.Images[0], Err: errors.New(test.text)}, f, history{}).Error(); !strings.Contains(got, test.want) {
			t.Errorf("error %s\nwant  %s in it", got, test.want)
		}
	}
}
