package build

import (
	"errors"
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

func TestFailure_base(t *testing.T) {
	const spec = "version: 1\nname: f\nregistry: r\ntag: t\nvariables: {base: {default: \"h/b:1\"}}\nimages:\n  a:\n    from: \"h.example/b:1\"\n"
	f := familytest.Parse(t, spec)
	for _, test := range []struct {
		text                         string
		refused, unreachable, denied bool
	}{
		{"dial tcp: connection refused", false, true, false},
		{"401 Unauthorized", true, false, false},
		{"source \"docker-image://h.example/b:1\" denied by policy", false, false, true},
		{"not found", false, false, false},
	} {
		got := failure(&BaseError{Image: f.Images[0], Err: errors.New(test.text)}, f, history{})
		if want := "f.yaml:8:11: looking up h.example/b:1, which a is based on: " + test.text; got.Error() != want {
			t.Errorf("error %s\nwant  %s", got, want)
		}
		var base *BaseError
		if !errors.As(got, &base) || base.Refused() != test.refused || base.Unreachable() != test.unreachable || base.Denied() != test.denied {
			t.Errorf("%s: got %+v", test.text, base)
		}
	}
}

func TestFailure_cause(t *testing.T) {
	f := familytest.Parse(t, "version: 1\nname: f\nregistry: r\ntag: t\nimages: {a: {from: scratch}}\n")
	for text, want := range map[string]error{
		"write /x: no space left on device":       ErrDiskFull,
		"source \"https://h/f\" denied by policy": ErrDenied,
		"exit code: 1": nil,
	} {
		if got := failure(errors.New(text), f, history{}); got.Cause != want || want != nil && !errors.Is(got, want) {
			t.Errorf("%s: the cause is %v, want %v", text, got.Cause, want)
		}
	}
	var secret *MissingSecretError
	if err := error(failure(errors.New("secret token: not found"), f, history{})); !errors.As(err, &secret) || secret.ID != "token" {
		t.Errorf("got %v, want the ID of the secret", secret)
	}
}
