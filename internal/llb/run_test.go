package llb_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/solver/pb"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/pulpimg/pulpimg/internal/llb"
	"github.com/pulpimg/pulpimg/pkg/family"
)

// compileOne compiles the one image of a family, whose mounts all have the content of the base.
func compileOne(t *testing.T, text string, opts llb.Options) (llb.Image, error) {
	t.Helper()
	f := resolve(t, text)
	source := f.Images[0]
	image, err := llb.New(source, base(), opts)
	if err != nil {
		t.Fatal(err)
	}
	for at, step := range source.Steps {
		switch s := step.(type) {
		case family.Env:
			image, err = image.AddEnv()
		case family.Run:
			image, err = image.AddCommand(slices.Repeat([]llb.Content{llb.External(source, at, base(), opts)}, len(s.Mounts))...)
		default:
			image, err = image.AddCommand()
		}
		if err != nil {
			return image, err
		}
	}
	return image, nil
}

// exec returns the last command of an image.
func exec(t *testing.T, image llb.Image) (*pb.ExecOp, *pb.Op) {
	t.Helper()
	for _, op := range operations(t, definition(t, image)) {
		if e := op.GetExec(); e != nil {
			return e, op
		}
	}
	t.Fatal("there is no command")
	return nil, nil
}

const runHead = "version: 1\nname: f\nregistry: r.example.com/f\ntag: \"1\"\nimages:\n  a:\n    from: docker.io/library/fedora:20\n"

func TestAddCommand_surroundings(t *testing.T) {
	for _, test := range []struct {
		name, image string
		want        func(*pb.Meta) string
		value       string
	}{
		{"the directory of the image", "    workdir: /srv\n    steps: [run: x]\n", func(m *pb.Meta) string { return m.Cwd }, "/srv"},
		{"a directory of its own", "    workdir: /srv\n    steps: [run: {script: x, workdir: /src}]\n", func(m *pb.Meta) string { return m.Cwd }, "/src"},
		{"no directory", "    steps: [run: x]\n", func(m *pb.Meta) string { return m.Cwd }, "/"},
		{"packages in /", "    workdir: /srv\n    steps: [apt: {packages: [p]}]\n", func(m *pb.Meta) string { return m.Cwd }, "/"},
		{"root, whoever the image's user is", "    user: app\n    steps: [run: x]\n", func(m *pb.Meta) string { return m.User }, ""},
		{"a user of its own", "    steps: [run: {script: x, user: \"app:web\"}]\n", func(m *pb.Meta) string { return m.User }, "app:web"},
		{"packages as root", "    user: app\n    steps: [apt: {packages: [p]}]\n", func(m *pb.Meta) string { return m.User }, ""},
		{"variables of its own", "    env: {A: a}\n    steps: [run: {script: x, env: {B: \"${A}b\", COLOUR: red}}]\n", variables("A", "B", "COLOUR"), "A=a B=ab COLOUR=red"},
		{"variables from a step on", "    steps: [env: {PATH: \"/opt:${PATH}\"}, run: x]\n", variables("PATH"), "PATH=/opt:/bin"},
		{"variables of a later step", "    steps: [run: x, env: {LATE: y}]\n", variables("LATE"), ""},
		{"the target that a script names", "    steps: [run: \"echo $TARGETARCH ${BUILDPLATFORM}\"]\n", variables("TARGETARCH", "TARGETOS", "BUILDPLATFORM"), "BUILDPLATFORM=linux/amd64 TARGETARCH=arm64"},
		{"a target that is the image's own variable", "    env: {TARGETARCH: mine}\n    steps: [run: \"echo $TARGETARCH\"]\n", variables("TARGETARCH"), "TARGETARCH=mine"},
		{"no target in a word", "    steps: [run: \"echo MYTARGETARCH\"]\n", variables("TARGETARCH"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			opts := opts
			opts.Platform, opts.Build = ocispec.Platform{OS: "linux", Architecture: "arm64"}, ocispec.Platform{OS: "linux", Architecture: "amd64"}
			image, err := compileOne(t, runHead+test.image, opts)
			if err != nil {
				t.Fatal(err)
			}
			if op, _ := exec(t, image); test.want(op.Meta) != test.value {
				t.Errorf("got %q, want %q", test.want(op.Meta), test.value)
			}
		})
	}
}

// variables returns a function that lists the variables with these names, sorted.
func variables(names ...string) func(*pb.Meta) string {
	return func(m *pb.Meta) string {
		var out []string
		for _, v := range m.Env {
			if name, _, _ := strings.Cut(v, "="); slices.Contains(names, name) {
				out = append(out, v)
			}
		}
		slices.Sort(out)
		return strings.Join(out, " ")
	}
}

func TestAddCommand_mounts(t *testing.T) {
	opts := opts
	opts.Family = "fam"
	image, err := compileOne(t, runHead+`    steps:
      - run:
          script: x
          network: none
          cache: [/a, { path: /b, name: shared, lock: true }, /var/cache/apt]
          mounts: [{ image: reg.example/x, from: /in, to: /m }, { tmpfs: /t }]
`, opts)
	if err != nil {
		t.Fatal(err)
	}
	op, _ := exec(t, image)
	if op.Network != pb.NetMode_NONE {
		t.Errorf("the network is %v, want none", op.Network)
	}
	got := map[string]string{}
	for _, m := range op.Mounts {
		text := m.MountType.String() + " " + m.Selector
		if m.CacheOpt != nil {
			text += " " + m.CacheOpt.ID + " " + m.CacheOpt.Sharing.String()
		}
		if m.Readonly {
			text += " readonly"
		}
		got[m.Dest] = text
	}
	want := map[string]string{
		"/": "BIND ", "/a": "CACHE /cache pulpimg/family/fam/a SHARED", "/b": "CACHE /cache pulpimg/name/shared LOCKED",
		"/var/cache/apt": "CACHE /cache pulpimg/family/fam/var/cache/apt LOCKED", "/m": "BIND /in readonly", "/t": "TMPFS ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Whoever runs a command can read its secrets.
func TestAddCommand_secretsOfUsers(t *testing.T) {
	for run, want := range map[string]uint32{"{script: x, secrets: [t]}": 0o400, "{script: x, secrets: [t], user: app}": 0o444} {
		image, err := compileOne(t, runHead+"    steps: [run: "+run+"]\n", opts)
		if err != nil {
			t.Fatal(err)
		}
		op, _ := exec(t, image)
		for _, m := range op.Mounts {
			if m.SecretOpt != nil && m.SecretOpt.Mode != want {
				t.Errorf("%s: the mode is %o, want %o", run, m.SecretOpt.Mode, want)
			}
		}
	}
}

func TestAddEnv_undefined(t *testing.T) {
	_, err := compileOne(t, runHead+"    steps: [env: {A: \"${NONE}\"}]\n", opts)
	const want = "a: A names the variable NONE, which has no value in docker.io/library/fedora:20"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNew_buildPlatform(t *testing.T) {
	opts := opts
	opts.Platform, opts.Build = ocispec.Platform{OS: "linux", Architecture: "arm64"}, ocispec.Platform{OS: "linux", Architecture: "amd64"}
	image, err := compileOne(t, runHead+"    platform: build\n    publish: false\n    steps: [run: x]\n", opts)
	if err != nil {
		t.Fatal(err)
	}
	if _, op := exec(t, image); op.Platform.Architecture != "amd64" {
		t.Errorf("the command runs on %s, want amd64", op.Platform.Architecture)
	}
	for _, op := range operations(t, definition(t, image)) {
		if op.GetSource() != nil && op.Platform.Architecture != "amd64" {
			t.Errorf("the base is for %s, want amd64", op.Platform.Architecture)
		}
	}
}
