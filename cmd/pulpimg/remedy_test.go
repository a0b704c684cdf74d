package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/pulpimg/pulpimg/internal/export"
	"github.com/pulpimg/pulpimg/pkg/build"
	"github.com/pulpimg/pulpimg/pkg/engine"
	"github.com/pulpimg/pulpimg/pkg/family"
	"github.com/pulpimg/pulpimg/pkg/publish"
	"github.com/pulpimg/pulpimg/pkg/registries"
)

func TestRemedy(t *testing.T) {
	base := func(text string, variables ...string) error {
		return &build.BaseError{Image: &family.Image{Base: "h.example/b:1", BaseVariables: variables}, Err: errors.New(text)}
	}
	unusable := func(reason engine.Reason) error { return &engine.UnusableError{Reason: reason, Err: errors.New("no")} }
	for _, test := range []struct {
		name string
		err  error
		want string // a part of it; nothing: there is none
	}{
		{"a base that nobody has", base("not found"), "--source-policy"},
		{"a base that a variable names", base("not found", "base"), "--set base="},
		{"a base that is refused", base("401 Unauthorized", "base"), "docker login h.example"},
		{"a base that a mirror refuses", &build.BaseError{Image: &family.Image{Base: "h.example/b:1"}, Err: &build.SourcesError{
			Sources: []string{"one.test/b:1", "two.test:5000/b:1", "h.example/b:1"}, Errs: []error{errors.New("not found"), errors.New("401 Unauthorized"), errors.New("not found")},
		}}, "docker login two.test:5000"},
		{"a base that is denied", base("denied by policy", "base"), "given as --source-policy"},
		{"a base of an unknown authority", base("tls: failed to verify certificate: x509: certificate signed by unknown authority"), "--ca FILE"},
		{"a base without TLS", base("http: server gave HTTP response to HTTPS client"), "--plain-http HOST[:PORT]"},
		{"a base whose registry has a damaged file", &build.BaseError{Image: &family.Image{Base: "h.example/b:1"}, Err: &registries.FileError{File: "/x/hosts.toml", Err: errors.New("401 Unauthorized")}}, "move it away"},
		{"a damaged registries.conf", &registries.FileError{File: "registries.conf", Err: errors.New("no")}, "CONTAINERS_REGISTRIES_CONF=/dev/null"},
		{"a damaged certificate", fmt.Errorf("publishing: %w", &registries.FileError{File: "/x/certs.d/r/ca.crt", Err: errors.New("no")}), "move it away"},
		{"a source that is denied", &build.Error{Cause: build.ErrDenied}, "given as --source-policy"},
		{"a secret", &build.Error{Cause: &build.MissingSecretError{ID: "token"}}, "--secret id=token,src=FILE"},
		{"the engine's disk", &build.Error{Cause: build.ErrDiskFull}, "pulpimg engine prune"},
		{"an engine that does not start to free its disk", &build.EngineStaysError{Err: syscall.ENOSPC}, "`pulpimg engine prune` alone"},
		{"layers that the engine lost", fmt.Errorf("writing: %w", build.ErrMissingLayers), "pulpimg engine prune"},
		{"a failed command", &build.Error{Err: errors.New("exit code: 1")}, ""},
		{"another platform", &build.PlatformError{}, "--engine"},
		{"no engine in the binary", unusable(engine.NotIncluded), "from a package or an archive of https://github.com/pulpimg/pulpimg/releases, or compile it with `make`, or use --engine"},
		{"no helper in the binary", fmt.Errorf("h: %w", &family.NoHelperError{Arch: "arm64"}), "helper/pulp-helper-linux-arm64 and name that with --assets"},
		{"no Linux", unusable(engine.OtherSystem), "--engine ADDR (docker-container://"},
		{"noexec", unusable(engine.NotExecutable), "XDG_CACHE_HOME"},
		{"no namespaces", fmt.Errorf("starting: %w", unusable(engine.NamespacesRefused)), ", or use --engine ADDR"},
		{"no engine at the address", fmt.Errorf("%w at tcp://h:1", engine.ErrUnreachable), "leave out --engine"},
		{"no docker", export.ErrNoStore, "--output docker-archive:FILE"},
		{"an archive for two platforms", &export.PlatformsError{Platforms: 2}, "--platform"},
		{"a registry that removes nothing", fmt.Errorf("removing: %w", &publish.UndeletableError{Registry: "r.example", Err: errors.New("UNSUPPORTED")}), "REGISTRY_STORAGE_DELETE_ENABLED=true"},
		{"a layer that is gone", &publish.UploadError{Err: &publish.LayerError{Sources: []string{"r.example/b"}, Errs: []error{errors.New("BLOB_UNKNOWN")}}}, "build again"},
		{"a layer that nobody has", &publish.LayerError{}, "build again"},
		{"a layer that is refused", &publish.LayerError{Sources: []string{"r.example/b"}, Errs: []error{&publish.CredentialsError{}}}, ""},
		{"something else", errors.New("something else"), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := remedy(test.err); (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("the remedy is %q, want one with %q", got, test.want)
			}
		})
	}
}

func TestNamespaceRemedy(t *testing.T) {
	for _, test := range []struct {
		name   string
		reason engine.Reason
		err    error
		root   bool
		want   string
	}{
		{"no newuidmap", engine.NoIDMapProgram, nil, false, "apt-get install uidmap"},
		{"no line in subuid", engine.NoSubIDs, &engine.SubIDsError{File: "/etc/subuid", User: "jo", Free: 165536}, false, "the line jo:165536:65536 to /etc/subuid"},
		{"a sysctl", engine.SysctlForbids, &engine.SysctlError{Name: "user.max_user_namespaces", Needed: "28633"}, false, "sysctl -w user.max_user_namespaces=28633"},
		{"AppArmor", engine.AppArmorForbids, nil, false, "a profile for this program"},
		{"a masked /proc", engine.ProcMasked, nil, false, "systempaths=unconfined"},
		{"newuidmap fails", engine.IDMapFailed, nil, false, "newgidmap are setuid root"},
		{"a container", engine.NamespacesRefused, nil, false, "seccomp=unconfined"},
		{"a container of root's", engine.NamespacesRefused, nil, true, "--privileged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := namespaceRemedy(&engine.UnusableError{Reason: test.reason, Err: test.err}, test.root)
			if !strings.Contains(got, test.want) {
				t.Errorf("the remedy is %q, want one with %q", got, test.want)
			}
		})
	}
}

func TestRemedy_isForTheCacheAlone(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", home)
	layers := filepath.Join(home, "pulpimg", "layers")
	for _, test := range []struct {
		name, path string
		err        error
		want       string // in the remedy; nothing: there is none
	}{
		{"a full disk", layers, syscall.ENOSPC, "pulpimg engine prune"},
		{"a quota", layers, syscall.EDQUOT, "pulpimg engine prune"},
		{"a read-only disk", layers, syscall.EROFS, "set XDG_CACHE_HOME"},
		{"no permission", layers, syscall.EACCES, "set XDG_CACHE_HOME"},
		{"a read-only disk elsewhere", "/elsewhere", syscall.EROFS, ""},
		{"something else", layers, syscall.EIO, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := remedy(fmt.Errorf("making it: %w", &fs.PathError{Op: "mkdir", Path: test.path, Err: test.err}))
			if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
				t.Errorf("the remedy is %q, want one with %q", got, test.want)
			}
		})
	}
}

// An error about an override names the flag that it came from.
func TestAdvise_overrides(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f.yaml")
	const text = "version: 1\nname: f\nregistry: r\ntag: t\nvariables: {base: {}}\nimages: {a: {from: \"${{ base }}\"}}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name   string
		source source
		want   []string
	}{
		{"no value", source{}, []string{"f.yaml:5:13: the variable base has no value", "hint: give it one with --set base=VALUE"}},
		{"an unknown variable", source{set: []string{"base=scratch", "bsae=x"}}, []string{"f.yaml:1:1: --set bsae: the spec declares no variable of that name", `hint: did you mean "base"?`}},
		{"a value of a flag", source{set: []string{"base=A"}}, []string{`f.yaml:6:20: no image of this family is called "A"`, "; the value of base is from --set"}},
		{"a registry", source{set: []string{"base=scratch"}, registries: []string{"https://r"}}, []string{`f.yaml:3:11: --registry: "https://r" is not a registry`, "hint: leave out https://"}},
		{"a tag", source{set: []string{"base=scratch"}, tags: []string{"a b"}}, []string{`f.yaml:4:6: --tag: "a b" is no tag`, "hint: use letters"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.source.file = file
			_, err := test.source.family(t.Context(), console{err: io.Discard}, nil)
			var out bytes.Buffer
			if err := problemOf(context.Background(), err).print(console{out: &out, err: &out}, format{name: formatText}); err != nil {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it prints\n%swant %s in it", out.String(), want)
				}
			}
		})
	}
}
